package loop

import (
	"fmt"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// exports is the FUSE file system that shows the disk: one file for each
// incarnation of a port that there ever was, and one, read-only, with the bytes
// as they are, for the checkers. It has no directories but its root.
type exports struct {
	fuse.RawFileSystem // answers ENOSYS
	world              *world
	size               uint64

	mu    sync.Mutex
	names map[string]uint64
	ports []portFile // by node, from firstNode on
}

// portFile is one incarnation of a port in one run.
type portFile struct {
	run         int
	port        disk.Port
	incarnation int32
}

// The nodes that are always there; those of ports come after.
const (
	imageNode = fuse.FUSE_ROOT_ID + 1
	firstNode = imageNode + 1
)

// imageName is the file of the disk's bytes.
const imageName = "image"

// forever is how long the kernel may believe what it was told, in seconds:
// nothing here changes.
const forever = 3600

func newExports(w *world, size int64) *exports {
	return &exports{RawFileSystem: fuse.NewDefaultRawFileSystem(), world: w, size: uint64(size),
		names: map[string]uint64{imageName: imageNode}}
}

// add makes the file of an incarnation and returns its name.
func (f *exports) add(p portFile, host model.Host) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := fmt.Sprintf("run%d-%v-%d", p.run, host, p.incarnation)
	f.names[name] = uint64(firstNode + len(f.ports))
	f.ports = append(f.ports, p)
	return name
}

// port is the incarnation that a node is of.
func (f *exports) port(node uint64) (portFile, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if node < firstNode || node-firstNode >= uint64(len(f.ports)) {
		return portFile{}, false
	}
	return f.ports[node-firstNode], true
}

func (f *exports) attr(node uint64, a *fuse.Attr) {
	a.Ino = node
	switch node {
	case fuse.FUSE_ROOT_ID:
		a.Mode, a.Nlink = fuse.S_IFDIR|0o700, 2
		return
	case imageNode:
		a.Mode = fuse.S_IFREG | 0o400
	default:
		a.Mode = fuse.S_IFREG | 0o600
	}
	a.Nlink, a.Size, a.Blocks, a.Blksize = 1, f.size, f.size/512, blockSize
}

// Lookup implements fuse.RawFileSystem.
func (f *exports) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	f.mu.Lock()
	node, ok := f.names[name]
	f.mu.Unlock()
	if !ok || h.NodeId != fuse.FUSE_ROOT_ID {
		return fuse.ENOENT
	}
	out.NodeId, out.EntryValid, out.AttrValid = node, forever, forever
	f.attr(node, &out.Attr)
	return fuse.OK
}

// GetAttr implements fuse.RawFileSystem.
func (f *exports) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	out.AttrValid = forever
	f.attr(in.NodeId, &out.Attr)
	return fuse.OK
}

// SetAttr implements fuse.RawFileSystem. Nothing can be set; the kernel sets
// times of what it writes.
func (f *exports) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	f.attr(in.NodeId, &out.Attr)
	return fuse.OK
}

// Open implements fuse.RawFileSystem.
func (f *exports) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	out.OpenFlags = fuse.FOPEN_DIRECT_IO
	return fuse.OK
}

// OpenDir implements fuse.RawFileSystem.
func (f *exports) OpenDir(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status { return fuse.OK }

// ReadDir implements fuse.RawFileSystem. Files are opened by those who were
// told their names.
func (f *exports) ReadDir(<-chan struct{}, *fuse.ReadIn, *fuse.DirEntryList) fuse.Status {
	return fuse.OK
}

// StatFs implements fuse.RawFileSystem.
func (f *exports) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	out.Bsize, out.Frsize, out.NameLen = blockSize, blockSize, 255
	out.Blocks = f.size / blockSize
	return fuse.OK
}

// Fallocate implements fuse.RawFileSystem: there is neither discard nor
// write-zeroes, so the kernel writes zeroes.
func (f *exports) Fallocate(<-chan struct{}, *fuse.FallocateIn) fuse.Status { return fuse.ENOTSUP }

// Flush implements fuse.RawFileSystem: of a close, not of a disk.
func (f *exports) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

// Read implements fuse.RawFileSystem.
func (f *exports) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	if in.NodeId == imageNode {
		return fuse.ReadResultData(buf[:f.world.readImage(buf, int64(in.Offset))]), fuse.OK
	}
	if in.Offset >= f.size { // behind the end there is nothing
		return fuse.ReadResultData(nil), fuse.OK
	}
	buf = buf[:min(uint64(len(buf)), f.size-in.Offset)]
	if !f.command(in.NodeId, model.ReadCommand, in.Offset, buf) {
		return nil, fuse.EIO
	}
	return fuse.ReadResultData(buf), fuse.OK
}

// Write implements fuse.RawFileSystem.
func (f *exports) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	if !f.command(in.NodeId, model.WriteCommand, in.Offset, data) {
		return 0, fuse.EIO
	}
	return uint32(len(data)), fuse.OK
}

// Fsync implements fuse.RawFileSystem: a flush of the loop device.
func (f *exports) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	if !f.command(in.NodeId, model.FlushCommand, 0, nil) {
		return fuse.EIO
	}
	return fuse.OK
}

// command hands a command to its port and reports whether it succeeded. Loop
// devices have a logical block size of one block of the disk, so there are none
// but of whole blocks.
func (f *exports) command(node uint64, kind model.CommandKind, offset uint64, data []byte) bool {
	p, ok := f.port(node)
	if !ok || offset%blockSize != 0 || len(data)%blockSize != 0 || kind != model.FlushCommand && len(data) == 0 {
		return false
	}
	return f.world.command(p, disk.Command{Kind: kind, Block: int(offset / blockSize), Blocks: int32(len(data) / blockSize), Data: data})
}
