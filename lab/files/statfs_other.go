//go:build !linux && !darwin

package files

import "github.com/doublemount/doublemount/model"

// systemKinds are the operations that only some systems have: none.
var systemKinds model.KindSet

func (c *Client) statfs() (model.Result, error) { return model.Result{}, model.EINVAL }
