package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/doublemount/doublemount/model"
)

// line is one line as JSON has it. Pointers tell what is missing from what is 0.
type line struct {
	ID       *label  `json:"id"`
	Host     string  `json:"host"`
	Client   *label  `json:"client,omitempty"`
	Op       string  `json:"op"`
	Path     string  `json:"path,omitempty"`
	To       string  `json:"to,omitempty"`
	Handle   *label  `json:"handle,omitempty"`
	HandleOf *label  `json:"handle_of,omitempty"`
	Offset   *int64  `json:"offset,omitempty"`
	Length   *int64  `json:"length,omitempty"`
	Data     *label  `json:"data,omitempty"`
	Direct   bool    `json:"direct,omitempty"`
	Shared   bool    `json:"shared,omitempty"`
	Flock    bool    `json:"flock,omitempty"`
	Ticks    *int64  `json:"ticks,omitempty"`
	From     string  `json:"from,omitempty"`
	Cached   bool    `json:"cached,omitempty"`
	Call     *int64  `json:"call"`
	Return   *int64  `json:"return,omitempty"`
	Result   *result `json:"result,omitempty"`
}

// result is what an operation answered.
type result struct {
	Error   string   `json:"error,omitempty"`
	Type    string   `json:"type,omitempty"`
	Size    *int64   `json:"size,omitempty"`
	Written *int64   `json:"written,omitempty"`
	Data    []run    `json:"data,omitempty"`
	Names   []string `json:"names,omitempty"`
	Total   *int64   `json:"total,omitempty"`
	Free    *int64   `json:"free,omitempty"`
}

// label is a string or an integer that names something: a line, a client, a
// handle, the data of a write. "7" and 7 are two labels. It holds the JSON text.
type label string

// UnmarshalJSON implements json.Unmarshaler.
func (l *label) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		var s string
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
		if s == "" {
			return errors.New("an empty string names nothing")
		}
		*l = label(strconv.Quote(s))
		return nil
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return fmt.Errorf("%.20s is neither a string nor an integer", text)
	}
	*l = label(strconv.FormatInt(n, 10))
	return nil
}

// MarshalJSON implements json.Marshaler.
func (l label) MarshalJSON() ([]byte, error) {
	if len(l) > 0 && l[0] == '"' {
		s, err := strconv.Unquote(string(l))
		if err != nil {
			return nil, err
		}
		return json.Marshal(s)
	}
	return []byte(l), nil
}

// String is the string itself or the number.
func (l label) String() string {
	if s, err := strconv.Unquote(string(l)); err == nil {
		return s
	}
	return string(l)
}

// number is the label of a number.
func number(n int) *label {
	l := label(strconv.Itoa(n))
	return &l
}

// run is equal words that were read: [tag, how many]. A tag of null is a hole.
type run struct {
	tag   *label
	words int64
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *run) UnmarshalJSON(text []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(text, &pair); err != nil || len(pair) != 2 {
		return errors.New("want data as pairs [tag, number of words]")
	}
	if err := json.Unmarshal(pair[0], &r.tag); err != nil {
		return err
	}
	if err := json.Unmarshal(pair[1], &r.words); err != nil || r.words < 1 || r.words > model.MaxWords {
		return fmt.Errorf("%.20s words of one tag; want 1 to %d", pair[1], model.MaxWords)
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (r run) MarshalJSON() ([]byte, error) { return json.Marshal([]any{r.tag, r.words}) }

// parse reads one line. last says that no line feed ended it.
func parse(text []byte, last bool) (l line, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF) && last:
			return l, errors.New("the file ends in the middle of this line")
		case errors.Is(err, io.ErrUnexpectedEOF):
			return l, errors.New("the object does not end on this line; each stands on one of its own")
		}
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			if wrong.Field == "" {
				return l, fmt.Errorf("is a JSON %s; want an object", wrong.Value)
			}
			return l, fmt.Errorf("%q cannot be a JSON %s", wrong.Field, wrong.Value)
		}
		return l, fmt.Errorf("no JSON object as it should be: %.200s", err.Error())
	}
	if d.More() {
		return l, errors.New("something stands behind the object")
	}
	return l, nil
}
