-- Names the rows of receipts that cannot be taken.
-- Inputs: parsed, staged. Grain: one row per such row. Changes: parsed.problem.
update temp.main.parsed
set problem = staged.problem
from temp.main.staged
where staged.problem is not null and parsed.problem is null and parsed.skip is null
    and staged.store = parsed.store and staged.till = parsed.till and staged.receipt_key = parsed.receipt_key
