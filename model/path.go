package model

import "strings"

// Path is an absolute path of at most [MaxDepth] names: "/", "/a", "/a/b".
// A small name space is what makes hosts collide.
type Path string

// Root is the root directory. It can be listed and asked for its type; nothing
// creates or removes it.
const Root Path = "/"

// MaxDepth is the number of names a path may have, MaxName the number of bytes
// in a name.
const (
	MaxDepth = 4
	MaxName  = 12
)

// Valid reports whether p is Root or one to MaxDepth names, each made of one to
// MaxName lower-case letters, digits, dashes or underscores. Names that a file
// system might treat in its own way (dots, spaces, upper case on a file system
// that folds it) are left out on purpose.
func (p Path) Valid() bool {
	if p == Root {
		return true
	}
	depth, length := 0, 0
	for i := 0; i < len(p); i++ {
		c := p[i]
		switch {
		case c == '/':
			if i > 0 && length == 0 {
				return false
			}
			depth, length = depth+1, 0
		case i == 0:
			return false
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_':
			length++
			if length > MaxName {
				return false
			}
		default:
			return false
		}
	}
	return length > 0 && depth <= MaxDepth
}

// Parent is the directory that holds p's last name; the parent of Root and of a
// name in it is Root.
func (p Path) Parent() Path {
	if i := strings.LastIndexByte(string(p), '/'); i > 0 {
		return p[:i]
	}
	return Root
}

// Name is p's last name, empty for Root.
func (p Path) Name() string {
	return string(p[strings.LastIndexByte(string(p), '/')+1:])
}

// Top is the part of p below Root: "/a" for "/a" and "/a/b". Names with
// different Tops never meet in one operation but a listing of Root, which asks
// about each name apart; so Top is what divides a history into components.
func (p Path) Top() Path {
	if i := strings.IndexByte(string(p[1:]), '/'); i >= 0 {
		return p[:i+1]
	}
	return p
}

// Below reports whether p stands in the directory dir, at any depth.
func (p Path) Below(dir Path) bool {
	return dir == Root && p != Root || len(p) > len(dir) && p[len(dir)] == '/' && p[:len(dir)] == dir
}

// Child is p's entry called name.
func (p Path) Child(name string) Path {
	if p == Root {
		return Path("/" + name)
	}
	return p + Path("/"+name)
}
