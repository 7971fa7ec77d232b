-- Tells equal rows apart where each row is a receipt.
-- Inputs: parsed. Grain: one row per row of parsed that has an equal one. Output: row (its rowid), ordinal (from 2).
create temp table ordinals as
select rowid as row, row_number() over (partition by store, till, receipt_key order by rowid) as ordinal
from temp.main.parsed
where problem is null
qualify ordinal > 1
