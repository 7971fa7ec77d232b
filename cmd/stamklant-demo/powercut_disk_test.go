//go:build linux

package main_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	sectorSize = 512
	diskSize   = 512 << 20 // a server wants 256 MiB free; memory is taken only for what is written
)

// cutDisk is a disk that loses power. What was written and not flushed since, it keeps, keeps in an older state or loses, sector by sector, as it
// likes; so a page of eight sectors may be torn. What was flushed it keeps.
type cutDisk struct {
	mu      sync.Mutex
	durable []byte
	waiting map[int64][][]byte // by sector, every state since the last flush
	life    int                // rises with every cut; who still writes to an earlier one gets an error
	kept    int
	lost    int
}

func newCutDisk() *cutDisk {
	return &cutDisk{durable: make([]byte, diskSize), waiting: map[int64][][]byte{}}
}

// cut takes the power away: each sector not flushed has any of its states, or with chance percent the newest.
func (d *cutDisk) cut(random *rand.Rand, newest int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, sector := range slices.Sorted(maps.Keys(d.waiting)) {
		states := d.waiting[sector]
		at := random.IntN(len(states)+1) - 1 // −1: what was there before
		if random.IntN(100) < newest {
			at = len(states) - 1
		}
		if at < len(states)-1 {
			d.lost++
		} else {
			d.kept++
		}
		if at >= 0 {
			copy(d.durable[sector*sectorSize:], states[at])
		}
	}
	clear(d.waiting)
	d.life++
}

func (d *cutDisk) read(life int, to []byte, off int64) (int, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if life != d.life {
		return 0, syscall.EIO
	}
	if off >= diskSize {
		return 0, 0
	}
	n := copy(to, d.durable[off:])
	for sector := off / sectorSize; sector*sectorSize < off+int64(n); sector++ {
		states := d.waiting[sector]
		if len(states) == 0 {
			continue
		}
		newest, at := states[len(states)-1], sector*sectorSize-off
		if at < 0 {
			newest, at = newest[-at:], 0
		}
		copy(to[at:n], newest)
	}
	return n, 0
}

func (d *cutDisk) write(life int, data []byte, off int64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if life != d.life {
		return syscall.EIO
	}
	if off%sectorSize != 0 || len(data)%sectorSize != 0 || off+int64(len(data)) > diskSize {
		return syscall.EINVAL
	}
	for i := 0; i < len(data); i += sectorSize {
		sector := (off + int64(i)) / sectorSize
		d.waiting[sector] = append(d.waiting[sector], slices.Clone(data[i:i+sectorSize]))
	}
	return 0
}

func (d *cutDisk) flush(life int) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if life != d.life {
		return syscall.EIO
	}
	for sector, states := range d.waiting {
		copy(d.durable[sector*sectorSize:], states[len(states)-1])
	}
	clear(d.waiting)
	return 0
}

// diskFile is the disk as a file of one life.
type diskFile struct {
	fs.Inode
	disk *cutDisk
	life int
}

var (
	_ fs.NodeGetattrer = (*diskFile)(nil)
	_ fs.NodeOpener    = (*diskFile)(nil)
	_ fs.NodeReader    = (*diskFile)(nil)
	_ fs.NodeWriter    = (*diskFile)(nil)
	_ fs.NodeFsyncer   = (*diskFile)(nil)
)

func (f *diskFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = syscall.S_IFREG|0o600, diskSize
	return 0
}

// Open has every read and write come here: nothing is kept in memory in between.
func (f *diskFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (f *diskFile) Read(_ context.Context, _ fs.FileHandle, to []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n, errno := f.disk.read(f.life, to, off)
	return fuse.ReadResultData(to[:n]), errno
}

func (f *diskFile) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	if errno := f.disk.write(f.life, data, off); errno != 0 {
		return 0, errno
	}
	return uint32(len(data)), 0
}

func (f *diskFile) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return f.disk.flush(f.life)
}

// diskFolder is the folder the disk's lives appear in, each under a name of its own.
type diskFolder struct {
	fs.Inode
	disk *cutDisk
}

var _ fs.NodeLookuper = (*diskFolder)(nil)

func (d *diskFolder) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if name != diskName(d.disk.life) {
		return nil, syscall.ENOENT
	}
	out.Mode, out.Size = syscall.S_IFREG|0o600, diskSize
	return d.NewInode(ctx, &diskFile{disk: d.disk, life: d.disk.life}, fs.StableAttr{Mode: syscall.S_IFREG, Ino: uint64(100 + d.disk.life)}), 0
}

func diskName(life int) string {
	return "life-" + string(rune('a'+life/26%26)) + string(rune('a'+life%26))
}

// cutMachine is a folder on a real ext4 on the disk, by way of a loop device.
type cutMachine struct {
	t      *testing.T
	disk   *cutDisk
	folder string // where the disk appears
	mount  string // where its files do
	loop   string
}

func newCutMachine(t *testing.T) *cutMachine {
	t.Helper()
	m := &cutMachine{t: t, disk: newCutDisk(), folder: t.TempDir(), mount: t.TempDir()}
	server, err := fs.Mount(m.folder, &diskFolder{disk: m.disk}, &fs.Options{
		MountOptions: fuse.MountOptions{DirectMount: true, FsName: "stamklant-test", DisableXAttrs: true},
	})
	if err != nil {
		t.Fatalf("mount the disk: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Errorf("unmount the disk: %v", err)
		}
	})
	t.Cleanup(m.takeOut) // before that
	m.attach()
	m.run("mkfs.ext4", "-q", "-F", m.loop)
	m.mountIt()
	return m
}

func (m *cutMachine) run(name string, args ...string) string {
	m.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (m *cutMachine) attach() {
	m.t.Helper()
	m.loop = m.run("losetup", "--find", "--show", filepath.Join(m.folder, diskName(m.disk.life)))
}

func (m *cutMachine) mountIt() {
	m.t.Helper()
	m.run("mount", "-t", "ext4", m.loop, m.mount)
}

// takeOut unmounts the files and takes the disk out of the machine; what is still to be written is lost with it after a cut.
func (m *cutMachine) takeOut() {
	if m.loop == "" {
		return
	}
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for range 100 {
		if out, err := exec.Command("umount", m.mount).CombinedOutput(); err == nil || strings.Contains(string(out), "not mounted") {
			break
		}
		<-every.C
	}
	if out, err := exec.Command("losetup", "--detach", m.loop).CombinedOutput(); err != nil {
		m.t.Errorf("losetup --detach %s: %v\n%s", m.loop, err, out)
	}
	m.loop = ""
}

// cutPower takes the power away. Nothing reaches the disk from then on.
func (m *cutMachine) cutPower(random *rand.Rand) {
	m.disk.cut(random, []int{0, 50, 90}[random.IntN(3)])
}

// boot brings the disk back as the cut left it.
func (m *cutMachine) boot() {
	m.t.Helper()
	m.takeOut()
	m.attach()
	m.mountIt()
}
