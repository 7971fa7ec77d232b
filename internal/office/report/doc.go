// Package report tells a scoring run to the people of a shop: in three plain sentences, and on one page that opens in any browser without a
// network, reads well on paper, and can be sent on as it is.
//
// It only draws. All numbers come from a scoring.Run and its scoring.Overview and are written as they are there, so that what stands on the page is
// what stands in the tables; each figure also carries the exact number as a data attribute. Pictures are SVG drawn here; the page needs no
// script, no font, no image from elsewhere. Words are Dutch or English, by the chain's first language; segments carry the chain's own names.
//
// It reads no clock, opens nothing, starts no goroutine; the same input gives the same bytes.
package report
