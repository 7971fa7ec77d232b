-- Gives each row that is a receipt its key and number.
-- Inputs: parsed, ordinals. The number is a fingerprint of the row, and which of several equal rows it is: the same list gives the same
-- numbers again, in whatever order its rows stand.
update temp.main.parsed
set receipt_key = left(parsed.receipt_key, 20) || coalesce('-' || ordinals.ordinal, ''),
    receipt_no = coalesce(parsed.receipt_no, left(parsed.receipt_key, 20) || coalesce('-' || ordinals.ordinal, ''))
from temp.main.parsed as same left join temp.main.ordinals on ordinals.row = same.rowid
where same.rowid = parsed.rowid
