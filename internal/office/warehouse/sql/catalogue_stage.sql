-- Puts what a list of articles or stores says beside what was known.
-- Inputs: parsed; the table of the list, its key, its fields, what tells that one has changed. Grain: one row per article or store. Output: staged.
create temp table staged as
select
    parsed.key,
    known./*key*/ is null as fresh,
    known./*key*/ is not null and (/*changed*/) as changed,
    /*fields*/
from temp.main.parsed
left join main./*table*/ as known on known./*key*/ = parsed.key
where problem is null and skip is null
