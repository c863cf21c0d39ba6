package designs

import (
	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// protocol is what a design is about: what a host may keep, and what it must do
// around each operation so that others are right too.
type protocol interface {
	// enter is called before an operation touches anything.
	enter()
	// leave is called when it is done, also after a failure.
	leave() error
	// sync makes all that the host has changed visible to later mounts.
	sync() error
	// fsync does so for one file: blocks lists what belongs to it.
	fsync(blocks []int32) error
	// opened and closed count the opens of an inode and return the number that
	// are left, so that the last close of a nameless file frees it.
	opened(ino int) error
	closed(ino int) (left int, err error)
	opens(ino int) (int, error)
}

// volume is the file system of all designs, mounted on one host. It reads and
// changes blocks in the host's buffer cache; when they come from the disk and
// go back to it is its protocol's business.
type volume struct {
	layout
	h *sim.Host
	c buffers
	p protocol

	list      []int32 // scratch for fsync
	unflushed bool    // the disk has a direct write that was not flushed
}

// mount reads the superblock and makes a volume without a protocol.
func mount(h *sim.Host) (*volume, error) {
	l, err := layoutOf(h)
	if err != nil {
		return nil, model.EINVAL
	}
	v := &volume{layout: l, h: h, c: buffers{Cache: h.Cache()}}
	p, err := v.c.Get(superBlock)
	if err != nil {
		return nil, err
	}
	if v.layout = l.withJournal(p); !v.ours(p) {
		return nil, model.EUCLEAN
	}
	return v, nil
}

// design is what all designs have in common.
func design(name, standsFor string, g model.Guarantee, newProtocol func(*volume) protocol) sim.Design {
	return sim.Design{
		Name: name, StandsFor: standsFor, Guarantee: g,
		Disk:   disk.Config{BlockSize: 256, Blocks: 64},
		Format: format,
		Mount: func(h *sim.Host) (sim.FS, error) {
			v, err := mount(h)
			if err != nil {
				return nil, err
			}
			v.p = newProtocol(v)
			return lockingVolume{v, &hostLocks{v: v}}, nil
		},
		Audit: audit, Block: meaning, Space: space,
	}
}

// end closes an operation: the protocol has the last word. What a host answers
// that has lost its journal or its lease says nothing about the disk, not even an
// error.
func (v *volume) end(err *error) {
	if v.c.running != nil {
		v.c.running.ended(*err)
	}
	if e := v.p.leave(); e != nil {
		*err = e
	}
}

// Create makes an empty file.
func (v *volume) Create(path string) error { return v.add(path, modeFile) }

// Mkdir makes an empty directory.
func (v *volume) Mkdir(path string) error { return v.add(path, modeDir) }

func (v *volume) add(path string, mode byte) (err error) {
	v.p.enter()
	defer v.end(&err)
	place, err := v.walk(path)
	if err != nil {
		return err
	}
	if _, err := v.lookup(place.dir, place.name); err != model.ENOENT {
		if err == nil {
			err = model.EEXIST
		}
		return err
	}
	ino, err := v.unusedInode() // before the directory grows for it
	if err != nil {
		return err
	}
	slot, err := v.freeEntry(place.dir)
	if err != nil {
		return err
	}
	if err := v.newInode(ino, mode); err != nil {
		return err
	}
	return v.setEntry(slot, ino, place.name)
}

// Unlink removes a name of a file; its blocks are freed with the last name and
// the last close.
func (v *volume) Unlink(path string) (err error) {
	v.p.enter()
	defer v.end(&err)
	ino, slot, err := v.find(path)
	if err != nil {
		return err
	}
	mode, err := v.mode(ino)
	if err != nil {
		return err
	}
	if mode != modeFile {
		return model.EISDIR
	}
	if err := v.setEntry(slot, 0, ""); err != nil {
		return err
	}
	return v.nameLost(ino)
}

// Rmdir removes an empty directory.
func (v *volume) Rmdir(path string) (err error) {
	v.p.enter()
	defer v.end(&err)
	ino, slot, err := v.find(path)
	if err != nil {
		return err
	}
	if mode, err := v.mode(ino); err != nil || mode != modeDir {
		if err == nil {
			err = model.ENOTDIR
		}
		return err
	}
	if empty, err := v.empty(ino); err != nil || !empty {
		if err == nil {
			err = model.ENOTEMPTY
		}
		return err
	}
	if err := v.setEntry(slot, 0, ""); err != nil {
		return err
	}
	return v.freeInode(ino)
}

// Readdir lists a directory.
func (v *volume) Readdir(path string) (names []string, err error) {
	v.p.enter()
	defer v.end(&err)
	ino := rootInode
	if path != string(model.Root) {
		if ino, _, err = v.find(path); err != nil {
			return nil, err
		}
	}
	if mode, err := v.mode(ino); err != nil || mode != modeDir {
		if err == nil {
			err = model.ENOTDIR
		}
		return nil, err
	}
	return v.entries(ino)
}

// Stat tells a name's type and size.
func (v *volume) Stat(path string) (a sim.Attr, err error) {
	v.p.enter()
	defer v.end(&err)
	ino := rootInode
	if path != string(model.Root) {
		if ino, _, err = v.find(path); err != nil {
			return a, err
		}
	}
	mode, err := v.mode(ino)
	if err != nil || mode == modeDir {
		return sim.Attr{Type: model.Dir}, err
	}
	size, err := v.size(ino)
	return sim.Attr{Type: model.File, Size: int64(size)}, err
}

// Open pins a file.
func (v *volume) Open(path string) (file sim.Inode, err error) {
	v.p.enter()
	defer v.end(&err)
	ino, _, err := v.find(path)
	if err != nil {
		return 0, err
	}
	if mode, err := v.mode(ino); err != nil || mode != modeFile {
		if err == nil {
			err = model.EISDIR
		}
		return 0, err
	}
	return sim.Inode(ino), v.p.opened(ino)
}

// Close lets a file go; a nameless one with its last close.
func (v *volume) Close(file sim.Inode) (err error) {
	v.p.enter()
	defer v.end(&err)
	ino := int(file)
	left, err := v.p.closed(ino)
	if err != nil || left > 0 {
		return err
	}
	mode, err := v.mode(ino)
	if err == model.EUCLEAN {
		return nil // another host has freed the inode: nothing of ours is left to free
	}
	if err != nil || mode != modeNameless {
		return err
	}
	return v.freeInode(ino)
}

// Sync makes everything this host has changed visible to later mounts.
func (v *volume) Sync() (err error) {
	v.p.enter()
	defer v.end(&err)
	return v.p.sync()
}

// Fsync does so for a file, its inode, the bitmap, and the directories that
// lead to it.
func (v *volume) Fsync(file sim.Inode) (err error) {
	v.p.enter()
	defer v.end(&err)
	v.list = v.list[:0]
	if err := v.belongings(int(file)); err != nil {
		return err
	}
	return v.p.fsync(v.list)
}

// Statfs counts blocks.
func (v *volume) Statfs() (total, free int64, err error) {
	v.p.enter()
	defer v.end(&err)
	n, err := v.freeBlocks()
	return int64(v.blocks - v.firstData - 1), int64(n), err
}

// Unmount writes what is dirty and forgets the rest.
func (v *volume) Unmount() (err error) {
	v.p.enter()
	defer v.end(&err)
	return v.p.sync()
}
