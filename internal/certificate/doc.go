// Package certificate says who may speak for whom: the certificates by which tills, scanners, stores' servers and head office know each other.
//
// A chain has one authority, at head office. It signs an authority for every enrolled server, good for that store and no other, and that one
// signs the certificates of the store's server, tills and scanners on the spot, with the line to head office cut too. So a person who opens a
// shop carries one file there, and adds a till with one command. Whoever steals a store's authority can speak for tills of that store alone.
//
// A certificate names its holder in one address (SAN URI), which is all that counts; subjects are for people to read:
//
//	stamklant://CHAIN/STORE/ROLE/NAME            CHAIN is the chain's id in hexadecimal, STORE its code, - for head office
//	stamklant://CHAIN/STORE/till/NAME?audience=customer    a till at which customers serve themselves
//
//	ca       an authority: of the chain (STORE -), or of one store
//	server   answers: a store's server, or head office
//	till     a till; NAME is its code, and it may speak for no other
//	scanner  a scanner or a tablet beside the till NAME
//	sync     a store's server at head office (NAME is its id), or head-office jobs at a store (STORE -)
//	admin    commands, on the machine itself
//
// Promises: what an authority of one store signed never speaks for another, whatever it names. A pair of files that do not belong together, that
// cannot be read or has expired is never put in the place of one that works. Nothing here keeps a connection from being made while files change.
//
// Does not do: listen, dial, decide what a role may call (package rpc), write logs (who reloads is handed what went wrong).
//
// Goroutines: none. Files are looked at whenever a connection is made.
package certificate
