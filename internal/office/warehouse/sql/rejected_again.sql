-- Fills in what refused rows say, from a second reading of their file.
-- Inputs: rejected, again (raw, in the order of the file), $file. Changes: rejected.raw.
update temp.main.rejected
set raw = again.raw
from temp.main.again
where rejected.file = $file and not rejected.unread and rejected.raw is null and again.rowid = rejected.row
