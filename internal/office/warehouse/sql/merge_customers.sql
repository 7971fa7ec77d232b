-- Keeps what lists say of an account that ends where nothing is said of the one that goes on; who of the two objected, is under age or did not agree
-- counts for both.
-- Inputs: customers, $from, $into. Changes: customers.
update main.customers
set
    language = coalesce(customers.language, old.language),
    home_store = coalesce(customers.home_store, old.home_store),
    first_name = coalesce(customers.first_name, old.first_name),
    groups = case when customers.groups is null then old.groups when old.groups is null then customers.groups
        else list_distinct(list_concat(customers.groups, old.groups)) end,
    objected = coalesce(customers.objected or old.objected, customers.objected, old.objected),
    minor = coalesce(customers.minor or old.minor, customers.minor, old.minor),
    profiling = coalesce(customers.profiling and old.profiling, customers.profiling, old.profiling),
    marketing = coalesce(customers.marketing and old.marketing, customers.marketing, old.marketing),
    linked_answers = coalesce(customers.linked_answers and old.linked_answers, customers.linked_answers, old.linked_answers),
    r = case when customers.segment is null then old.r else customers.r end,
    f = case when customers.segment is null then old.f else customers.f end,
    m = case when customers.segment is null then old.m else customers.m end,
    segment = coalesce(customers.segment, old.segment)
from main.customers as old
where customers.account_id = $into::uuid and old.account_id = $from::uuid
