package generation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// CURRENT and the description of a file are short texts: a title, lines of name and value, and a line "check" with the first 8 bytes of SHA-256
// over all before it, so that a flipped bit is seen.

const (
	currentTitle = "stamklant current 1"
	fileTitle    = "stamklant generation 1"
)

func encodeCurrent(digest [32]byte) []byte {
	return encodeText(currentTitle, "manifest "+hex.EncodeToString(digest[:]))
}

func decodeCurrent(data []byte) ([32]byte, error) {
	values, err := decodeText(data, currentTitle, "manifest")
	if err != nil {
		return [32]byte{}, err
	}
	digest, ok := decodeDigest(values[0])
	if !ok {
		return [32]byte{}, fmt.Errorf("names no manifest: %w", ErrDamaged)
	}
	return digest, nil
}

func encodeFileInfo(i FileInfo) []byte {
	return encodeText(fileTitle,
		"file "+i.Name,
		"length "+strconv.FormatInt(i.Length, 10),
		"sha256 "+hex.EncodeToString(i.SHA256[:]),
		"state "+hex.EncodeToString(i.State[:]))
}

func decodeFileInfo(data []byte) (i FileInfo, err error) {
	values, err := decodeText(data, fileTitle, "file", "length", "sha256", "state")
	if err != nil {
		return FileInfo{}, err
	}
	length, err := strconv.ParseInt(values[1], 10, 64)
	sum, sumOK := decodeDigest(values[2])
	state, stateOK := decodeDigest(values[3])
	if err != nil || !sumOK || !stateOK || !fileName(values[0]) {
		return FileInfo{}, fmt.Errorf("names no file: %w", ErrDamaged)
	}
	return FileInfo{Name: values[0], Length: length, SHA256: sum, State: state}, nil
}

// fileName reports whether a name is one [Build] gives, so that no description leads out of the folder.
func fileName(name string) bool {
	middle, ok := strings.CutSuffix(name, ".db")
	middle, ok2 := strings.CutPrefix(middle, "gen-")
	return ok && ok2 && len(middle) < 64 && strings.Trim(middle, "0123456789abcdef-") == ""
}

func encodeText(lines ...string) []byte {
	text := strings.Join(lines, "\n") + "\n"
	return []byte(text + "check " + checkOf(text) + "\n")
}

func decodeText(data []byte, title string, names ...string) ([]string, error) {
	const checkLine = len("check ") + 16 + len("\n")
	if len(data) < checkLine || len(data) > 4096 {
		return nil, fmt.Errorf("%d bytes: %w", len(data), ErrDamaged)
	}
	text, check := string(data[:len(data)-checkLine]), string(data[len(data)-checkLine:])
	lines := strings.Split(text, "\n")
	if check != "check "+checkOf(text)+"\n" || len(lines) != len(names)+2 || lines[0] != title {
		return nil, fmt.Errorf("not what was written: %w", ErrDamaged)
	}
	values := make([]string, len(names))
	for i, name := range names {
		value, ok := strings.CutPrefix(lines[i+1], name+" ")
		if !ok {
			return nil, fmt.Errorf("no %s: %w", name, ErrDamaged)
		}
		values[i] = value
	}
	return values, nil
}

func checkOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

func decodeDigest(s string) ([32]byte, bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 || hex.EncodeToString(b) != s {
		return [32]byte{}, false
	}
	return [32]byte(b), true
}
