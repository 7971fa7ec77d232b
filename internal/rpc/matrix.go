package rpc

import (
	"maps"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// Access is one row of the table of who may call what.
type Access struct {
	// Roles may call the method; every other role is refused.
	Roles []Role
	// Staff says that the answer is for staff: a caller whose audience is customers is refused, whatever its role.
	Staff bool
	// Web says that the method is also on the second listener, for the tills and scanners among Roles.
	Web bool
	// Get says that the second listener also takes it as a GET. Only where the request names no customer: addresses end up in logs.
	Get bool
}

// Matrix returns the table of who may call what, for every method of every service: a method without a row is never answered. docs/roles.md is
// written from it.
func Matrix() map[string]Access { return maps.Clone(matrix) }

// What rows have in common.
var (
	tills    = Access{Roles: []Role{RoleTill}, Web: true}
	syncing  = Access{Roles: []Role{RoleSync}}
	jobs     = Access{Roles: []Role{RoleSync, RoleAdmin}}
	commands = Access{Roles: []Role{RoleAdmin}}
)

var matrix = map[string]Access{
	// Tills and scanners ask the server in their store.
	tillv1.CheckoutService_Lookup_FullMethodName:        {Roles: []Role{RoleTill, RoleAdmin}, Web: true},
	tillv1.CheckoutService_PresentCard_FullMethodName:   {Roles: []Role{RoleTill, RoleScanner}, Web: true},
	tillv1.CheckoutService_WatchTill_FullMethodName:     tills,
	tillv1.CheckoutService_RecordReceipt_FullMethodName: tills,
	tillv1.CheckoutService_ClaimReceipt_FullMethodName:  tills,
	tillv1.CheckoutService_SetPreference_FullMethodName: tills,
	tillv1.CheckoutService_SubmitDetails_FullMethodName: tills,
	tillv1.CheckoutService_Reserve_FullMethodName:       tills,
	tillv1.CheckoutService_Release_FullMethodName:       tills,
	tillv1.CheckoutService_RecordOutcome_FullMethodName: tills,
	tillv1.CheckoutService_Explain_FullMethodName:       {Roles: []Role{RoleTill, RoleAdmin}, Staff: true, Web: true},
	tillv1.CheckoutService_GetStatus_FullMethodName:     {Roles: []Role{RoleTill, RoleScanner, RoleAdmin}, Web: true, Get: true},

	// Stores' servers ask head office.
	syncv1.SyncService_Fetch_FullMethodName:   syncing,
	syncv1.SyncService_Deliver_FullMethodName: syncing,
	syncv1.SyncService_Report_FullMethodName:  syncing,

	// Head-office jobs ask stores' servers, and so do commands on the same machine.
	syncv1.StoreService_Offer_FullMethodName:   jobs,
	syncv1.StoreService_Put_FullMethodName:     jobs,
	syncv1.StoreService_Status_FullMethodName:  jobs,
	syncv1.StoreService_Drain_FullMethodName:   jobs,
	syncv1.StoreService_Inspect_FullMethodName: jobs,
	syncv1.StoreService_Backup_FullMethodName:  jobs,

	// People and commands ask head office.
	officev1.OfficeService_RunJob_FullMethodName:        commands,
	officev1.OfficeService_ListServers_FullMethodName:   commands,
	officev1.OfficeService_ListConflicts_FullMethodName: commands,
	officev1.OfficeService_ListRuns_FullMethodName:      commands,
}
