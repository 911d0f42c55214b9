/*
 * audit_judge: what convicts and, more important, what does not.
 *
 * The rules one by one, and then every combination there is of what an audit can bring, checked
 * against what must never happen.
 */
#include "coordinator/audit/audit_judge.h"
#include "tests/lib/test.h"

enum { K = 4 };

/* A shard that is not there: everything else is as it should be. */
static struct audit_case caught(enum audit_answer answer)
{
    return (struct audit_case){
        .answer = answer,
        .again = answer,
        .has_passed = true,
        .is_in_place = true,
        .is_heard = true,
        .k = K,
        .witnesses_asked = K,
        .witnesses_true = K,
    };
}

static struct audit_verdict judge(struct audit_case audit)
{
    struct audit_verdict verdict;
    audit_judge(&audit, &verdict);
    return verdict;
}

static void a_missing_or_wrong_shard_is_a_fail_and_goes_to_repair(void **state)
{
    (void)state;
    struct audit_verdict verdict = judge(caught(AUDIT_MISSING));
    assert_int_equal(verdict.outcome, AUDIT_FAIL);
    assert_int_equal(verdict.fault, AUDIT_FAULT_MISSING);
    assert_true(verdict.is_damaged);
    verdict = judge(caught(AUDIT_WRONG));
    assert_int_equal(verdict.fault, AUDIT_FAULT_WRONG);
    verdict = judge(caught(AUDIT_ROTTEN));
    assert_int_equal(verdict.fault, AUDIT_FAULT_ROTTEN);
}

static void what_was_deleted_or_moved_meanwhile_says_nothing(void **state)
{
    (void)state;
    struct audit_case audit = caught(AUDIT_MISSING);
    audit.is_in_place = false;
    assert_int_equal(judge(audit).outcome, AUDIT_NONE);
    assert_false(judge(audit).is_contained);
    assert_false(judge(audit).is_damaged);
}

static void wrong_bytes_that_never_were_right_are_nobodys_fault_but_are_repaired(void **state)
{
    (void)state;
    struct audit_case audit = caught(AUDIT_WRONG);
    audit.has_passed = false;
    assert_int_equal(judge(audit).outcome, AUDIT_NONE);
    assert_true(judge(audit).is_damaged);
    audit = caught(AUDIT_MISSING); /* its receipt says that it was there */
    audit.has_passed = false;
    assert_int_equal(judge(audit).outcome, AUDIT_FAIL);
}

static void what_comes_the_second_time_convicts_nobody(void **state)
{
    (void)state;
    struct audit_case audit = caught(AUDIT_WRONG);
    audit.again = AUDIT_TRUE;
    assert_int_equal(judge(audit).outcome, AUDIT_UNKNOWN);
    assert_true(judge(audit).is_contained);
    audit.again = AUDIT_SILENT;
    assert_int_equal(judge(audit).outcome, AUDIT_CONTAINED);
}

static void with_fewer_than_k_witnesses_or_most_against_it_the_auditor_doubts_itself(void **state)
{
    (void)state;
    struct audit_case audit = caught(AUDIT_MISSING);
    audit.witnesses_true = K - 1;
    assert_int_equal(judge(audit).outcome, AUDIT_NONE);
    assert_true(judge(audit).is_contained);
    audit = caught(AUDIT_MISSING);
    audit.witnesses_asked = 2 * K + 1;
    assert_int_equal(judge(audit).outcome, AUDIT_NONE);
    audit = caught(AUDIT_WRONG);
    audit.is_auditor_doubted = true;
    assert_int_equal(judge(audit).outcome, AUDIT_NONE);
}

static struct audit_case stubborn(unsigned strikes, unsigned leads)
{
    struct audit_case audit = caught(AUDIT_SILENT);
    audit.again = AUDIT_NOT_ASKED;
    audit.leads = leads;
    audit.strikes = strikes;
    return audit;
}

static void the_same_cell_never_while_others_come_is_a_fail_in_the_end(void **state)
{
    (void)state;
    for (unsigned leads = 1; leads <= AUDIT_LEADS_MAX; leads++) {
        unsigned strikes = 0;
        struct audit_verdict verdict = judge(stubborn(strikes, leads));
        while (verdict.is_contained) {
            assert_int_equal(verdict.outcome, AUDIT_CONTAINED);
            assert_int_equal(verdict.strikes, leads);
            strikes += verdict.strikes;
            verdict = judge(stubborn(strikes, leads));
        }
        assert_int_equal(strikes + leads, AUDIT_STRIKES_MAX);
        assert_int_equal(verdict.outcome, AUDIT_FAIL);
        assert_int_equal(verdict.fault, AUDIT_FAULT_SILENT);
    }
}

static void a_cell_that_went_first_gets_no_strike(void **state)
{
    (void)state;
    const struct audit_verdict verdict = judge(stubborn(AUDIT_STRIKES_MAX - 1, 0));
    assert_int_equal(verdict.outcome, AUDIT_CONTAINED);
    assert_true(verdict.is_contained);
    assert_int_equal(verdict.strikes, 0);
}

static void an_auditor_in_doubt_gives_no_strike(void **state)
{
    (void)state;
    struct audit_case audit = stubborn(0, 2);
    audit.is_auditor_doubted = true;
    assert_int_equal(judge(audit).outcome, AUDIT_NONE);
    assert_int_equal(judge(audit).strikes, 0);
}

/* Half of the time none, and each one more half as often. */
static void a_coin_says_before_each_question_whether_another_goes_first(void **state)
{
    (void)state;
    unsigned seen[AUDIT_LEADS_MAX + 1] = {0};
    for (uint32_t chance = 0; chance < 64; chance++) {
        seen[audit_leads(chance)]++;
    }
    assert_int_equal(seen[0], 32);
    assert_int_equal(seen[1], 16);
    assert_int_equal(seen[2], 8);
    assert_int_equal(seen[3], 8);
}

static void nobody_there_is_offline_unless_the_node_is_heard(void **state)
{
    (void)state;
    struct audit_case audit = caught(AUDIT_CUT_OFF);
    audit.is_heard = false;
    assert_int_equal(judge(audit).outcome, AUDIT_OFFLINE);
    audit.is_heard = true;
    assert_int_equal(judge(audit).outcome, AUDIT_CONTAINED);
}

/* ---- everything there is ---- */

static void check_case(const struct audit_case *audit)
{
    const struct audit_verdict verdict = judge(*audit);
    bool is_fail = verdict.outcome == AUDIT_FAIL;
    assert_int_equal(is_fail, verdict.fault != AUDIT_FAULT_NONE);
    assert_false(verdict.is_contained && (is_fail || verdict.outcome == AUDIT_PASS));
    assert_int_equal(verdict.outcome == AUDIT_PASS, audit->answer == AUDIT_TRUE);
    if (is_fail || verdict.strikes > 0 || verdict.is_damaged) {
        assert_true(audit->is_in_place);
    }
    bool by_own_word = verdict.fault == AUDIT_FAULT_ROTTEN;
    if (is_fail && !by_own_word) {
        assert_true(audit_needs_witnesses(audit));
        assert_true(audit->witnesses_true >= K);
        assert_false(audit->is_auditor_doubted);
    }
    if (is_fail && !audit_answer_is_bad(audit->answer)) {
        assert_true(audit->leads > 0);
        assert_int_equal(audit->strikes, AUDIT_STRIKES_MAX - 1);
    }
    if (verdict.strikes > 0) {
        assert_true(audit_answer_is_none(audit->answer) && !audit->is_auditor_doubted);
        assert_true(verdict.is_contained && verdict.strikes == audit->leads);
    }
    if (verdict.fault == AUDIT_FAULT_WRONG) {
        assert_true(audit->has_passed);
    }
}

static void with_flags(struct audit_case audit)
{
    for (unsigned flags = 0; flags < 32; flags++) {
        audit.has_passed = flags & 1;
        audit.is_in_place = flags & 2;
        audit.is_heard = flags & 4;
        audit.is_auditor_doubted = flags & 8;
        audit.strikes = flags & 16 ? AUDIT_STRIKES_MAX - 1 : 0;
        for (unsigned true_ones = K - 1; true_ones <= K; true_ones++) {
            audit.witnesses_true = true_ones;
            check_case(&audit);
        }
    }
}

static void no_combination_convicts_against_the_rules(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8 * 8 * 4; i++) {
        with_flags((struct audit_case){
            .answer = (enum audit_answer)(i % 8),
            .again = (enum audit_answer)(i / 8 % 8),
            .leads = i / 64,
            .k = K,
            .witnesses_asked = K + 1,
        });
    }
}

static void re_asks_are_further_apart_and_wait_longer(void **state)
{
    (void)state;
    assert_int_equal(audit_recheck_ms(10, 0), 10);
    assert_int_equal(audit_recheck_ms(10, 1), 20);
    assert_int_equal(audit_recheck_ms(10, 23), 20);
    assert_int_equal(audit_patience_ms(10, 0), 10);
    assert_int_equal(audit_patience_ms(10, 23), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_or_wrong_shard_is_a_fail_and_goes_to_repair),
        cmocka_unit_test(what_was_deleted_or_moved_meanwhile_says_nothing),
        cmocka_unit_test(wrong_bytes_that_never_were_right_are_nobodys_fault_but_are_repaired),
        cmocka_unit_test(what_comes_the_second_time_convicts_nobody),
        cmocka_unit_test(with_fewer_than_k_witnesses_or_most_against_it_the_auditor_doubts_itself),
        cmocka_unit_test(the_same_cell_never_while_others_come_is_a_fail_in_the_end),
        cmocka_unit_test(a_cell_that_went_first_gets_no_strike),
        cmocka_unit_test(an_auditor_in_doubt_gives_no_strike),
        cmocka_unit_test(a_coin_says_before_each_question_whether_another_goes_first),
        cmocka_unit_test(nobody_there_is_offline_unless_the_node_is_heard),
        cmocka_unit_test(no_combination_convicts_against_the_rules),
        cmocka_unit_test(re_asks_are_further_apart_and_wait_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
