//go:build linux

package main_test

import (
	"context"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// operation is what a disk fails at.
type operation string

const (
	writing  operation = "writing"
	flushing operation = "flushing"
)

// sickDisk is a folder whose files fail with an I/O error, as on a disk or a cable that goes bad, and are well again when they are told to. It is
// a file system of its own and not a block device: over that, ext4 makes itself unwritable until it is mounted anew, whatever a server does.
type sickDisk struct {
	mount string

	mu     sync.Mutex
	fails  operation
	within string // the files that fail have this in their path
	failed int
}

func newSickDisk(t *testing.T) *sickDisk {
	t.Helper()
	d := &sickDisk{mount: t.TempDir()}
	below := t.TempDir()
	loop := &fs.LoopbackRoot{Path: below}
	var st syscall.Stat_t
	if err := syscall.Stat(below, &st); err != nil {
		t.Fatal(err)
	}
	loop.Dev = st.Dev
	//nolint:staticcheck // the newer way, WrapChild, hands over a node that cannot be part of another
	loop.NewNode = func(root *fs.LoopbackRoot, _ *fs.Inode, _ string, _ *syscall.Stat_t) fs.InodeEmbedder {
		return &sickNode{LoopbackNode: fs.LoopbackNode{RootData: root}, disk: d}
	}
	root := &sickNode{LoopbackNode: fs.LoopbackNode{RootData: loop}, disk: d}
	loop.RootNode = root
	server, err := fs.Mount(d.mount, root, &fs.Options{MountOptions: fuse.MountOptions{DirectMount: true, FsName: "stamklant-sick", DisableXAttrs: true}})
	if err != nil {
		t.Fatalf("mount the disk: %v", err)
	}
	t.Cleanup(func() {
		d.heal()
		if err := server.Unmount(); err != nil {
			t.Errorf("unmount the disk: %v", err)
		}
	})
	return d
}

// sicken has the files with something in their path fail, until heal.
func (d *sickDisk) sicken(fails operation, within string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails, d.within, d.failed = fails, within, 0
}

// heal has everything work again, and answers how often something had failed.
func (d *sickDisk) heal() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails = ""
	return d.failed
}

func (d *sickDisk) refuses(o operation, path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails != o || !strings.Contains(path, d.within) {
		return false
	}
	d.failed++
	return true
}

// sickNode is a file or folder of the disk.
type sickNode struct {
	fs.LoopbackNode
	disk *sickDisk
}

var (
	_ fs.NodeOpener  = (*sickNode)(nil)
	_ fs.NodeCreater = (*sickNode)(nil)
)

func (n *sickNode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	file, options, errno := n.LoopbackNode.Open(ctx, flags)
	return n.sick(n, file), options, errno
}

func (n *sickNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	inode, file, options, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if errno != 0 {
		return inode, file, options, errno
	}
	made, _ := inode.Operations().(*sickNode)
	return inode, n.sick(made, file), options, 0
}

// sick puts the disk's failures between the machine and an open file; nothing goes past them.
func (n *sickNode) sick(node *sickNode, file fs.FileHandle) fs.FileHandle {
	well, ok := file.(wellFile)
	if !ok {
		return file
	}
	return &sickFile{wellFile: well, node: node}
}

// wellFile is all that is done with an open file.
type wellFile interface {
	fs.FileReader
	fs.FileWriter
	fs.FileFsyncer
	fs.FileFlusher
	fs.FileReleaser
	fs.FileGetattrer
	fs.FileSetattrer
	fs.FileAllocater
	fs.FileLseeker
}

// sickFile is an open file of the disk.
type sickFile struct {
	wellFile
	node *sickNode
}

func (f *sickFile) refuses(o operation) bool { return f.node.disk.refuses(o, f.node.Path(nil)) }

func (f *sickFile) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	if f.refuses(writing) {
		return 0, syscall.EIO
	}
	return f.wellFile.Write(ctx, data, off)
}

func (f *sickFile) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if f.refuses(flushing) {
		return syscall.EIO
	}
	return f.wellFile.Fsync(ctx, flags)
}
