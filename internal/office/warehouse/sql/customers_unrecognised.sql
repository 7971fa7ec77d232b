-- Refuses rows with an identifier that is none.
-- Inputs: parsed, unrecognised (row, problem). Changes: parsed.problem.
update temp.main.parsed
set problem = unrecognised.problem
from temp.main.unrecognised
where unrecognised.row = parsed.rowid
