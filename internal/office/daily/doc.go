// Package daily knows what a night's work at head office rests on: which files lie in the import folder and how each is read, whether what
// they bring looks like a day of this chain, and how every run went.
//
// A run takes in the folder, scores, checks, publishes and reports; the order and the wiring are the assembly's. Here is what can be wrong
// with a day: nothing came, or next to nothing; many times the usual came; a store is missing that has always been there. Each such finding is
// a sentence a person understands, and names the word by which she lets it pass.
//
// It owns daily.yaml, the folders incoming/ and incoming/done/ of the data folder, and the tables daily_runs and daily_steps of the
// warehouse. Judging is pure: days and limits in, findings out. It promises that a file is moved only, never changed or removed, and that
// a run is on record from its start, so that one that was cut off is seen. It starts no goroutine.
package daily
