-- Reads the rows of one file that cannot be taken: lines that are no rows, or the others.
-- Inputs: rejected, $file, $unread. Grain: one row per row. Output: row, reason, raw.
select row, reason, raw
from temp.main.rejected
where file = $file and unread = $unread
order by row
