package replica_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkApply publishes a chain of 200,000 customers and applies it: as a snapshot, then as a change of every twentieth. It reports the memory the
// process took beyond what lies in the page cache.
func BenchmarkApply(b *testing.B) {
	const customers = 200_000
	for b.Loop() {
		c := newChain(b, customers)
		s := c.server("amsterdam-1").open()
		c.publish()
		began := time.Now()
		s.apply()
		b.ReportMetric(time.Since(began).Seconds(), "s/snapshot")
		for n := range customers / 20 {
			c.balances[20*n]++
		}
		report := c.publish()
		if report.Snapshot {
			b.Fatal("a snapshot was cut for a change of a twentieth")
		}
		began = time.Now()
		s.apply()
		b.ReportMetric(time.Since(began).Seconds(), "s/change")
		b.ReportMetric(report.Took.Seconds(), "s/publish")
		b.ReportMetric(anonymousMiB(b), "MiB-anonymous")
		b.ReportMetric(s.fileMiB(), "MiB-file")
		s.stop()
	}
}

func (s *server) fileMiB() float64 {
	stat, err := os.Stat(filepath.Join(s.dir, "releases", "generations", s.file()))
	if err != nil {
		s.t.Fatal(err)
	}
	return float64(stat.Size()) / (1 << 20)
}

// anonymousMiB is the resident memory of this process that no file stands behind.
func anonymousMiB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc/self/status: ", err)
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, err := strconv.ParseFloat(strings.Fields(kib)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return n / 1024
		}
	}
	b.Skip("no RssAnon")
	return 0
}
