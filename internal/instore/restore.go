package instore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/backup"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// ErrOtherKey is returned when a data key is not the one the files on the disk were sealed under.
var ErrOtherKey = errors.New("not the data key these files were sealed under")

// Restore puts the journal of a back-up in the place of the one in a data folder, on which no server may run. The journal begins a new incarnation;
// what the old one still tells is taken over; what this server trusted stays trusted. It says to `to` what it does and what follows. On a new
// machine the data folder needs the enrolment (Config.Enrol), and the back-up brings the sealed data key.
func Restore(ctx context.Context, config Config, file string, to io.Writer) error {
	header, err := backup.Read(ctx, file)
	if err != nil {
		return err
	}
	config.Listen = "-" // nobody listens
	config, err = config.withDefaults()
	if err != nil {
		return err
	}
	e, err := config.enrolment()
	if err != nil {
		return err
	}
	if header.GetServerId() != e.GetServerId() {
		return fmt.Errorf("%s: %w: it is of %s, this folder is %s's", file, ErrOtherServer, header.GetServerId(), e.GetServerId())
	}
	path := config.path(journalFile)
	if err := journal.Held(path); err != nil {
		return err
	}
	key, err := config.bringKey(ctx, header, to)
	if err != nil {
		return err
	}
	return config.restore(ctx, e, key, header, to)
}

// bringKey opens the data key of the folder, or that of the back-up where the folder has none.
func (c Config) bringKey(ctx context.Context, header *syncv1.BackupHeader, to io.Writer) (*generation.DataKey, error) {
	path := c.path(dataKeyFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := keepSecret(path, header.GetDataKeyFile()); err != nil {
			return nil, err
		}
		fmt.Fprintf(to, "The data key came with the back-up: %s\n", path)
	}
	key, err := generation.OpenDataKey(ctx, path, generation.Device{File: c.DeviceKey})
	if errors.Is(err, generation.ErrDeviceKey) {
		return nil, fmt.Errorf("%w:\n  there: stamklant-office keys recover %s --sealed COPY-OF-%s --out recovered.key\n  here:  stamklant-store recover recovered.key --data %s\nand restore again",
			err, header.GetServerId(), dataKeyFile, c.Data)
	}
	return key, err
}

func (c Config) restore(ctx context.Context, e *bundlev1.Enrolment, key *generation.DataKey, header *syncv1.BackupHeader, to io.Writer) error {
	config := journal.Config{ServerID: e.GetServerId(), DataKey: key.Key(), Now: c.Now, Logger: c.Logger}
	whole, err := c.extract(ctx, header.GetFile(), config)
	if err != nil {
		return err
	}
	old, err := journal.PutBack(c.path(journalFile), whole, c.Now().UTC().Format(putBackStamp))
	if err != nil {
		return err
	}
	config.Restored = true
	j, err := journal.Open(c.path(journalFile), config)
	if err != nil {
		return err
	}
	fmt.Fprintf(to, "Restored %s\n  from %s, made %s, with %d rows, of which head office held %d.\n",
		c.path(journalFile), header.GetFile(), header.GetMadeAt().AsTime().Local().Format(time.DateTime), header.GetLast(), header.GetConfirmed())
	if old != "" {
		taken, lost, err := j.Salvage(ctx, old)
		fmt.Fprintf(to, "The journal that was there lies at %s.\n  Taken over from it: %d later rows; %d could not be read.\n", old, taken, lost)
		if err != nil {
			fmt.Fprintf(to, "  More may be in it that cannot be read: %v\n", err)
		}
	}
	id := j.Incarnation()
	fmt.Fprintf(to, `What follows:
  The journal begins a new incarnation, %x. What head office has not confirmed in it is sent again; head office knows every receipt and entry by
  its key and takes each once, so nothing counts twice.
  Receipts the tills recorded after the back-up and that could not be taken over are known here no more. Those that had reached head office are safe
  there; the others the tills still hold in their outboxes are taken when they come again.
  The newest release this server ever trusted is %d; an older one is not accepted.
Now start the server.
`, id, j.TrustedVersion())
	return j.Close()
}

// Recover seals a data key that head office opened under this machine's device key. The file holds 64 hexadecimal digits. ErrOtherKey when what lies
// on the disk was not sealed under it.
func Recover(ctx context.Context, config Config, file string, to io.Writer) error {
	config.Listen = "-" // nobody listens
	config, err := config.withDefaults()
	if err != nil {
		return err
	}
	e, err := config.enrolment()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	plain, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(plain) != len(bundle.Key{}) {
		return fmt.Errorf("%s: want the 64 hexadecimal digits that `stamklant-office keys recover %s` wrote", file, e.GetServerId())
	}
	key := bundle.Key(plain)
	path := config.path(journalFile)
	if _, err := os.Stat(path); err == nil {
		err = journal.Look(path, journal.Config{DataKey: key}, func(*journal.View) error { return nil })
		if errors.Is(err, journal.ErrDamaged) {
			return fmt.Errorf("%s: %w, or the journal is damaged: %w", file, ErrOtherKey, err)
		}
		if err != nil {
			return err
		}
	}
	if _, err := generation.RestoreDataKey(ctx, config.path(dataKeyFile), generation.Device{File: config.DeviceKey}, key); err != nil {
		return err
	}
	fmt.Fprintf(to, "%s is sealed under %s again. Remove %s: who has it can read this server's files.\n", config.path(dataKeyFile), config.DeviceKey, file)
	return nil
}

// Backup writes a back-up of a data folder's journal to a file, through the server that runs on it, or directly when none does. The file must not be
// there. It answers what it is.
func Backup(ctx context.Context, config Config, file string) (*syncv1.BackupHeader, error) {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, fmt.Errorf("%s: is there already", file))
	}
	config, e, key, err := config.look(ctx)
	if err != nil {
		return nil, err
	}
	err = withRunning(ctx, config, func(client syncv1.StoreServiceClient) error { return fetchBackup(ctx, client, file) })
	if errors.Is(err, errNotRunning) {
		err = config.copyJournal(ctx, e, key, file)
	}
	if err != nil {
		return nil, err
	}
	return backup.Read(ctx, file)
}

// fetchBackup has the server make a back-up and writes it down.
func fetchBackup(ctx context.Context, client syncv1.StoreServiceClient, file string) error {
	stream, err := client.Backup(ctx, &syncv1.BackupRequest{})
	if err != nil {
		return err
	}
	return newFile(file, func(to io.Writer) error {
		for {
			piece, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if _, err := to.Write(piece.GetData()); err != nil {
				return err
			}
		}
	})
}

// copyJournal makes a back-up of a journal nobody has open.
func (c Config) copyJournal(ctx context.Context, e *bundlev1.Enrolment, key *generation.DataKey, file string) error {
	sealed, err := os.ReadFile(c.path(dataKeyFile))
	if err != nil {
		return err
	}
	return journal.Look(c.path(journalFile), journal.Config{DataKey: key.Key()}, func(v *journal.View) error {
		if err := v.Verify(ctx, nil); err != nil {
			return err
		}
		return newFile(file, func(to io.Writer) error {
			return backup.Write(to, v, c.path(journalFile), &syncv1.BackupHeader{ServerId: e.GetServerId(), Store: e.GetStore(), DataKeyFile: sealed}, c.Now())
		})
	})
}

// newFile writes a file that was not there, whole or not at all.
func newFile(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
