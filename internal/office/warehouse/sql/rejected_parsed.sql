-- Notes rows that cannot be taken, with what they say where that was kept.
-- Inputs: parsed, $file, $first and $after (the file's rows in parsed). Grain: one row per such row. Output: into rejected; `row` counts from 0
-- within the file, lines that are no rows not counted.
insert into temp.main.rejected
select $file::integer, rowid - $first, false, problem, raw
from temp.main.parsed
where problem is not null and rowid >= $first and rowid < $after
order by rowid
