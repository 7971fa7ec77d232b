package instore_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// anonymousMiB is the resident memory of this process that no file stands behind.
func anonymousMiB(b *testing.B) float64 {
	b.Helper()
	return anonymousOf(b, "self")
}

func anonymousOf(b *testing.B, pid string) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/" + pid + "/status")
	must(b, err)
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, err := strconv.ParseFloat(strings.Fields(kib)[0], 64)
			must(b, err)
			return n / 1024
		}
	}
	b.Skip("the system does not tell RssAnon")
	return 0
}
