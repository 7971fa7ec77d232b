-- Has what customers said, and what head office decided, stand over what lists say.
-- Inputs: told (account_id, objected, profiling, marketing, linked_answers, blocked); null: nothing was told. Changes: customers.
update main.customers
set
    objected = coalesce(told.objected, customers.objected),
    profiling = coalesce(told.profiling, customers.profiling),
    marketing = coalesce(told.marketing, customers.marketing),
    linked_answers = coalesce(told.linked_answers, customers.linked_answers),
    blocked = coalesce(told.blocked, customers.blocked)
from temp.main.told
where told.account_id = customers.account_id
