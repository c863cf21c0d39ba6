package fuzz_test

import "github.com/doublemount/doublemount/model"

// toyDisk is the specification with an end of space: a block for each
// directory that ever had a name, and what the files need.
type toyDisk struct {
	fs    model.FS
	files map[model.Path]*toyFile
	open  map[[2]uint8]*toyFile
	dirs  map[model.Path]bool
}

// toyFile is a file, whatever it is called.
type toyFile struct{ words int32 }

func (d *toyDisk) apply(s model.Step, blocks int) model.Result {
	if d.files == nil {
		d.files, d.open, d.dirs = map[model.Path]*toyFile{}, map[[2]uint8]*toyFile{}, map[model.Path]bool{}
	}
	slot := [2]uint8{uint8(s.Host), s.File}
	file := d.files[s.Path]
	if s.Path == "" {
		file = d.open[slot]
	}
	words := int32(0)
	if file != nil {
		words = file.words
	}
	grown := words
	switch s.Kind {
	case model.Write:
		grown = max(words, s.Off+s.Len)
	case model.Append:
		grown += s.Len
	case model.Truncate:
		grown = s.Len
	}
	dir := s.Path.Parent() // that gets a name
	if s.Kind.TwoPaths() {
		dir = s.To.Parent()
	}
	names := s.Kind == model.Create || s.Kind == model.Mkdir || s.Kind.TwoPaths()
	if blocks > 0 && (file != nil && grown > words && !names || names && !d.dirs[dir] && d.fits(s)) {
		need := d.used() - blocksOf(words) + blocksOf(grown)
		if names {
			need++
		}
		if need > blocks {
			return model.Result{Errno: model.ENOSPC}
		}
	}
	result := d.fs.Apply(s)
	if result.Errno != model.OK {
		return result
	}
	switch s.Kind {
	case model.Open:
		d.open[slot] = file
	case model.Create:
		d.files[s.Path] = &toyFile{}
	case model.Unlink:
		delete(d.files, s.Path)
	case model.Rmdir:
		delete(d.dirs, s.Path)
	case model.Link:
		d.files[s.To] = file
	case model.Rename:
		d.rename(s.Path, s.To)
	case model.Write, model.Append, model.Truncate:
		if file != nil {
			file.words = grown
		}
	}
	if names {
		d.dirs[dir] = true
	}
	return result
}

// fits reports whether a step that makes a name would succeed with space enough.
func (d *toyDisk) fits(s model.Step) bool {
	errno := func(k model.Kind, path model.Path) model.Errno {
		return d.fs.Apply(model.Step{Kind: k, Path: path}).Errno
	}
	if !s.Kind.TwoPaths() {
		return errno(model.Readdir, s.Path.Parent()) == model.OK && errno(model.Stat, s.Path) == model.ENOENT
	}
	movable := s.Kind == model.Rename || errno(model.Readdir, s.Path) == model.ENOTDIR
	return errno(model.Stat, s.Path) == model.OK && movable && !s.To.Below(s.Path) &&
		errno(model.Readdir, s.To.Parent()) == model.OK && errno(model.Stat, s.To) == model.ENOENT
}

func (d *toyDisk) rename(from, to model.Path) {
	if from == to || d.files[from] != nil && d.files[from] == d.files[to] {
		return
	}
	moved := map[model.Path]*toyFile{}
	for path, file := range d.files {
		if path == from || path.Below(from) {
			moved[path.Moved(from, to)] = file
			delete(d.files, path)
		}
	}
	for path, file := range moved {
		d.files[path] = file
	}
	if d.dirs[from] {
		delete(d.dirs, from)
		d.dirs[to] = true
	}
}

func (d *toyDisk) used() int {
	sum := len(d.dirs)
	counted := map[*toyFile]bool{}
	for _, file := range d.files {
		if !counted[file] {
			sum += blocksOf(file.words)
		}
		counted[file] = true
	}
	return sum
}

func blocksOf(words int32) int { return int(words+model.WordsPerBlock-1) / model.WordsPerBlock }
