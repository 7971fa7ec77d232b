package office

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/stamklant/stamklant/internal/office/publisher"
)

// RecoverKey opens the data key of a server that lost its own machine's key, from a copy of the server's data.key, and writes it to a file that only
// its owner may read. It needs the chain's recovery key.
func RecoverKey(home Home, server, sealed, out string, to io.Writer) error {
	if err := home.require(); err != nil {
		return err
	}
	keys, err := publisher.LoadKeys(home.Keys())
	if err != nil {
		return err
	}
	text, err := os.ReadFile(sealed)
	if err != nil {
		return err
	}
	var file struct {
		Recovery []byte `json:"sealed_to_recovery_key"`
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Recovery) == 0 {
		return errors.Join(fmt.Errorf("%s: holds no key that was sealed to head office: want a copy of the server's data.key, from after its first release", sealed), err)
	}
	key, err := keys.RecoverDataKey(server, file.Recovery)
	if err != nil {
		return fmt.Errorf("%s: does not open as server %s's: %w", sealed, server, err)
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(hex.EncodeToString(key[:]) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(to, "%s holds the data key of server %s, in clear. Bring it there by hand, run\n  stamklant-store recover %s --data DIR\nand remove it: who has it can read that server's files.\n", out, server, out)
	return nil
}
