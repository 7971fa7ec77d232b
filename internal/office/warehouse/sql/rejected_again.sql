-- Fills in what refused rows say, from a second reading of their file.
-- Inputs: rejected (row counts from 0), again (raw, in the order of the file; its rowids are consecutive), $file. Changes: rejected.raw.
update temp.main.rejected
set raw = again.raw
from temp.main.again
where rejected.file = $file and not rejected.unread and rejected.raw is null and again.rowid - (select min(rowid) from temp.main.again) = rejected.row
