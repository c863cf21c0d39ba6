package designs

import "github.com/doublemount/doublemount/model"

// Rename gives from the name to and replaces what has that. Checks come in the
// order of Linux (fs/namei.c do_renameat2, vfs_rename); changes in that of ext2
// (fs/ext2/namei.c ext2_rename): the new name before the old one goes, and what
// it replaces last, so that at no time nothing leads to the file. Within one
// directory a free new name takes the place of the old one in its entry.
func (v *volume) Rename(from, to string) (err error) {
	v.p.enter()
	defer v.end(&err)
	source, err := v.walk(from)
	if err != nil {
		return err
	}
	target, err := v.walk(to)
	if err != nil {
		return err
	}
	ino, old, err := v.child(source.dir, source.name)
	if err != nil {
		return err
	}
	replaced, slot, err := v.child(target.dir, target.name)
	exists, dir := err != model.ENOENT, false
	switch {
	case exists && err != nil:
		return err
	case target.passes(ino):
		return model.EINVAL
	case exists && source.passes(replaced):
		return model.ENOTEMPTY
	case exists && replaced == ino:
		return nil
	}
	v.c.moving()
	switch {
	case !exists && source.dir == target.dir:
		return v.setEntry(old, ino, target.name)
	case exists:
		dir, err = v.replaceable(replaced, ino)
	default:
		slot, err = v.freeEntry(target.dir)
	}
	if err != nil {
		return err
	}
	if err := v.setEntry(slot, ino, target.name); err != nil {
		return err
	}
	if err := v.setEntry(old, 0, ""); err != nil {
		return err
	}
	switch {
	case !exists:
		return nil
	case dir:
		return v.freeInode(replaced)
	}
	return v.nameLost(replaced)
}

// replaceable is why ino cannot take the name of another inode, or nil, and
// whether both are directories.
func (v *volume) replaceable(replaced, ino int) (dir bool, err error) {
	source, err := v.mode(ino)
	if err != nil {
		return false, err
	}
	target, err := v.mode(replaced)
	switch {
	case err != nil:
		return false, err
	case source == modeDir && target != modeDir:
		return true, model.ENOTDIR
	case source != modeDir && target == modeDir:
		return false, model.EISDIR
	case target != modeDir:
		return false, nil
	}
	if empty, err := v.empty(replaced); err != nil || empty {
		return true, err
	}
	return true, model.ENOTEMPTY
}

// Link gives a file one more name. The inode counts it before the name is
// there: a name too many would outlive the file.
func (v *volume) Link(from, to string) (err error) {
	v.p.enter()
	defer v.end(&err)
	ino, _, err := v.find(from)
	if err != nil {
		return err
	}
	target, err := v.walk(to)
	if err != nil {
		return err
	}
	if _, err := v.lookup(target.dir, target.name); err != model.ENOENT {
		if err == nil {
			err = model.EEXIST
		}
		return err
	}
	switch mode, err := v.mode(ino); {
	case err != nil:
		return err
	case mode == modeDir:
		return model.EPERM
	case mode == modeNameless:
		return model.ENOENT // as Linux answers for a file that has lost its last name
	}
	further, err := v.further(ino)
	if err != nil {
		return err
	}
	if further == maxFurther {
		return model.EUCLEAN // no program makes so many
	}
	v.c.moving()
	slot, err := v.freeEntry(target.dir)
	if err != nil {
		return err
	}
	if err := v.setFurther(ino, further+1); err != nil {
		return err
	}
	return v.setEntry(slot, ino, target.name)
}

// nameLost is called when a name of a file is gone: with the last one the inode
// is freed, unless it is open.
func (v *volume) nameLost(ino int) error {
	further, err := v.further(ino)
	if err != nil {
		return err
	}
	if further > 0 {
		return v.setFurther(ino, further-1)
	}
	opens, err := v.p.opens(ino)
	if err != nil {
		return err
	}
	if opens > 0 {
		return v.setMode(ino, modeNameless)
	}
	return v.freeInode(ino)
}
