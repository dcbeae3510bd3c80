"""Each row of the catalogue of faults and bad inputs, and what holds it: a test, or a golden pair by its name.

A row whose feature is still to come says which one that is.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROWS = {"Y": 23, "E": 9, "D": 9, "T": 29, "O": 27, "P": 9, "S": 15}
TO_COME = {"S10": "pages that flowpar serves"}
_GOLDEN = "golden "
HELD_BY: dict[str, list[str]] = {
    "Y1": ["golden yaml-empty", "golden yaml-only-comments", "golden yaml-byte-order-mark"],
    "Y2": [
        "lang/test_loader.py::test_a_missing_file_is_named",
        "lang/test_loader.py::test_a_folder_is_refused_and_what_is_in_it_named",
        "lang/test_loader.py::test_an_unreadable_file_says_why",
        "lang/test_loader.py::test_a_fifo_is_refused_without_waiting",
    ],
    "Y3": ["golden yaml-unclosed-list", "golden yaml-unclosed-mapping", "golden yaml-indent"],
    "Y4": ["golden yaml-tab"],
    "Y5": [
        "golden yaml-latin-1",
        "golden yaml-utf16",
        "golden yaml-nul",
        "golden yaml-control-character",
        "golden yaml-crlf",
    ],
    "Y6": ["golden yaml-duplicate-task"],
    "Y7": ["golden yaml-duplicate-keys", "lang/test_loader.py::test_merged_keys_give_way_to_written_ones"],
    "Y8": ["golden shape-unknown-top-key"],
    "Y9": ["golden shape-unknown-task-key"],
    "Y10": ["golden shape-wrong-types", "golden shape-durations"],
    "Y11": ["golden yaml-alias-bomb", "lang/test_loader.py::test_bombs_are_refused_before_they_take_memory"],
    "Y12": ["golden yaml-tags"],
    "Y13": ["golden yaml-alias-of-itself"],
    "Y14": ["golden yaml-deep", "lang/test_loader.py::test_depth_counts_aliases_written_out"],
    "Y15": ["golden yaml-two-documents"],
    "Y16": ["golden yaml-old-scalars", "lang/test_scalars.py::test_what_yaml_1_1_reads_otherwise"],
    "Y17": ["golden shape-tasks-empty", "golden shape-tasks-null", "golden shape-tasks-list"],
    "Y18": ["lang/rules/test_check.py::test_check_imports_nothing_and_writes_nothing"],
    "Y19": ["golden target-no-module", "golden target-no-function"],
    "Y20": ["golden shape-ids"],
    "Y21": ["lang/test_loader.py::test_a_huge_file_is_refused_by_its_size", "golden yaml-long-key"],
    "Y22": ["plugin/test_local.py::test_a_file_outside_of_the_project_is_refused_unread"],
    "Y23": ["golden yaml-merge-bomb", "lang/test_loader.py::test_bombs_are_refused_before_they_take_memory"],
    "E1": ["golden reference-unknown-task"],
    "E2": ["golden expression-syntax"],
    "E3": ["golden expression-import"],
    "E4": ["golden expression-dunder", "expr/test_evaluate.py::test_the_insides_of_python_cannot_be_reached"],
    "E5": ["lang/rules/test_check.py::test_a_reference_is_a_need_and_each_need_counts_once"],
    "E6": ["golden expression-power", "expr/test_pattern.py::test_evil_patterns_end"],
    "E7": ["execute/test_attempt.py::test_a_missing_output_names_the_argument_and_the_expression"],
    "E8": ["catalogue/test_security.py::test_e08_a_value_that_looks_like_an_expression_stays_text"],
    "E9": [
        "golden reference-unknown-input",
        "golden secret-undeclared",
        "planning/test_planner.py::test_a_missing_input_is_found_only_when_a_run_is_asked_for",
    ],
    "D1": ["planning/test_graph.py::test_a_cycle_is_shown_whole_in_order_with_lines"],
    "D2": ["planning/test_graph.py::test_a_task_that_needs_itself_is_named", "golden reference-need-of-itself"],
    "D3": ["golden reference-unknown-need"],
    "D4": [
        "catalogue/test_graph.py::test_d04_a_chain_of_500_tasks_runs_to_its_end",
        "planning/test_graph.py::test_a_chain_of_50_000_has_layers_and_weights_without_recursion",
    ],
    "D5": ["planning/test_graph.py::test_a_ring_of_50_000_is_found_and_shortened"],
    "D6": ["catalogue/test_graph.py::test_d06_of_150_each_runs_once_and_no_more_at_a_time_than_workers"],
    "D7": ["schedule/test_loop.py::test_a_failure_skips_everything_downstream_with_the_reason"],
    "D8": ["catalogue/test_graph.py::test_d08_needs_that_stand_twice_and_10_000_edges_count_once"],
    "D9": ["catalogue/test_graph.py::test_d09_a_run_of_which_all_is_skipped_succeeds_and_says_so"],
    "T1": ["catalogue/test_tasks.py::test_t01_an_exception_has_the_users_frames_only"],
    "T2": ["catalogue/test_tasks.py::test_t02_t03_t04_exceptions_travel_as_text"],
    "T3": ["catalogue/test_tasks.py::test_t02_t03_t04_exceptions_travel_as_text"],
    "T4": ["catalogue/test_tasks.py::test_t02_t03_t04_exceptions_travel_as_text"],
    "T5": ["catalogue/test_tasks.py::test_t05_what_cannot_be_passed_on_is_named_by_its_path"],
    "T6": ["catalogue/test_tasks.py::test_t06_a_value_nested_too_deeply_fails_its_task"],
    "T7": ["catalogue/test_tasks.py::test_t07_t08_an_exit_is_no_result"],
    "T8": ["catalogue/test_tasks.py::test_t07_t08_an_exit_is_no_result"],
    "T9": ["catalogue/test_tasks.py::test_t09_a_signal_is_named_and_the_stack_is_in_the_log"],
    "T10": ["catalogue/test_tasks.py::test_t10_a_kill_is_told_with_the_peak_of_memory"],
    "T11": ["catalogue/test_tasks.py::test_t11_a_task_without_memory_fails_alone"],
    "T12": ["catalogue/test_tasks.py::test_t12_t13_t26_what_takes_too_long_is_ended_with_all_it_started"],
    "T13": ["catalogue/test_tasks.py::test_t12_t13_t26_what_takes_too_long_is_ended_with_all_it_started"],
    "T14": ["catalogue/test_tasks.py::test_t14_t15_a_process_left_behind_is_ended_with_a_warning"],
    "T15": ["catalogue/test_tasks.py::test_t14_t15_a_process_left_behind_is_ended_with_a_warning"],
    "T16": ["catalogue/test_tasks.py::test_t16_a_pool_of_multiprocessing_works"],
    "T17": [
        "catalogue/test_tasks.py::test_t17_of_64_mib_of_output_the_log_keeps_head_and_tail",
        "catalogue/test_tasks.py::test_t17_a_gibibyte_of_output_does_not_grow_the_engine",
    ],
    "T18": ["catalogue/test_tasks.py::test_t18_a_task_that_closes_everything_fails_clearly"],
    "T19": ["catalogue/test_tasks.py::test_t19_the_next_task_finds_nothing_of_it"],
    "T20": ["catalogue/test_tasks.py::test_t20_recursion_is_told_as_such"],
    "T21": ["catalogue/test_tasks.py::test_t21_there_is_nothing_on_stdin"],
    "T22": ["catalogue/test_tasks.py::test_t22_attempts_are_counted_exactly_and_each_has_its_log"],
    "T23": ["catalogue/test_tasks.py::test_t23_a_thread_that_goes_on_costs_no_result"],
    "T24": ["catalogue/test_tasks.py::test_t24_how_a_shell_ended_is_named"],
    "T25": ["catalogue/test_tasks.py::test_t25_a_task_that_starts_too_much_fails_alone"],
    "T26": [
        "catalogue/test_tasks.py::test_t26_a_module_that_cannot_be_imported_is_named",
        "catalogue/test_tasks.py::test_t12_t13_t26_what_takes_too_long_is_ended_with_all_it_started",
    ],
    "T27": ["catalogue/test_tasks.py::test_t27_garbage_on_foreign_descriptors_fails_its_task_alone"],
    "T28": [
        "catalogue/test_tasks.py::test_t28_a_task_that_kills_its_group_kills_itself_only",
        "execute/test_misbehaviour.py::test_a_task_that_kills_its_parent_ends_the_run_with_a_message",
    ],
    "T29": ["catalogue/test_tasks.py::test_each_task_ends_the_same_however_it_is_started"],
    "O1": [
        "engine/test_run.py::test_a_signal_stops_the_run_cleanly",
        "death/test_terminal.py::test_ctrl_c_reaches_the_engine_once",
    ],
    "O2": ["engine/test_run.py::test_a_second_interrupt_kills_what_ignores_the_first"],
    "O3": ["death/test_kill.py::test_a_signal_reaches_the_engine_once_and_ends_all"],
    "O4": [
        "death/test_terminal.py::test_a_closed_window_ends_the_run",
        "death/test_scarcity.py::test_a_run_that_ignores_the_end_of_its_terminal_goes_on",
    ],
    "O5": [
        "death/test_kill.py::test_nobody_outlives_a_kill",
        "cli/test_resume.py::test_a_killed_engine_loses_nothing_and_nothing_runs_twice",
    ],
    "O6": [
        "death/test_kill_soak.py::test_a_few_random_kills_lose_nothing",
        "death/test_crash_points.py::test_a_run_goes_on_after_a_death_at_a_point",
        "execute/test_process.py::test_an_attempt_begins_once_the_one_before_it_is_recorded",
    ],
    "O7": ["catalogue/test_command.py::test_o07_a_process_that_stood_still_for_a_while_loses_nothing"],
    "O8": [
        "death/test_outputs_lost.py::test_the_run_goes_on_with_all_outputs",
        "death/test_scarcity.py::test_the_resource_tracker_may_be_killed",
        "death/test_scarcity.py::test_a_killed_forkserver_ends_its_tasks_and_nothing_else",
        "execute/test_forkserved.py::test_a_start_that_a_killed_forkserver_has_not_seen_is_made_by_another",
        "death/test_kill.py::test_the_engine_says_that_the_launcher_died",
    ],
    "O9": ["cli/test_resume.py::test_a_run_that_goes_on_is_not_resumed_twice"],
    "O10": ["record/test_reading.py::test_a_torn_tail_is_let_go"],
    "O11": ["record/test_reading.py::test_cut_at_every_byte_the_lines_before_the_cut_are_read"],
    "O12": [
        "record/test_reading.py::test_flip_any_byte_and_it_is_refused_or_the_last_record_lost",
        "cli/test_resume.py::test_a_damaged_journal_is_refused_and_can_be_salvaged",
    ],
    "O13": ["cli/test_run.py::test_an_unusable_state_folder_is_refused_before_any_task_starts"],
    "O14": ["death/test_fail_points.py::test_a_disk_that_gives_out_is_said_and_nothing_is_lost"],
    "O15": [
        "death/test_scarcity.py::test_few_descriptors_let_less_run_at_once",
        "death/test_scarcity.py::test_too_few_descriptors_are_said_or_do",
    ],
    "O16": [
        "death/test_fail_points.py::test_no_process_at_all_is_said_within_a_bound",
        "death/test_scarcity.py::test_a_command_that_cannot_be_split_into_processes_says_so",
    ],
    "O17": ["cli/test_run.py::test_a_reader_that_goes_away_does_not_harm_the_run"],
    "O18": ["cli/test_resume.py::test_a_finished_run_runs_nothing_and_prints_its_outputs_again"],
    "O19": ["cli/test_resume.py::test_only_the_failed_item_and_what_is_below_runs_again"],
    "O20": [
        "cli/test_resume.py::test_a_changed_task_and_what_is_below_it_runs_again_and_is_named",
        "cli/test_resume.py::test_code_alone_changes_nothing_but_is_named",
    ],
    "O21": ["catalogue/test_command.py::test_o21_a_clock_that_jumps_changes_no_duration_and_no_order"],
    "O22": ["record/test_reading.py::test_a_journal_of_another_version_is_refused"],
    "O23": ["catalogue/test_command.py::test_o23_who_starts_it_makes_no_difference"],
    "O24": ["catalogue/test_command.py::test_o24_a_program_without_a_file_can_run_a_workflow"],
    "O25": ["record/test_lock.py::test_a_file_system_without_locks_is_said"],
    "O26": ["report/test_fanout.py::test_a_sink_that_raises_is_reported_once_and_left_out"],
    "O27": ["record/test_journal.py::test_nothing_is_on_disk_before_the_commit_and_all_of_it_after"],
    "P1": ["catalogue/test_values.py::test_p01_the_engine_does_not_grow_with_the_values_it_passes_on"],
    "P2": ["catalogue/test_values.py::test_p02_p08_odd_values_come_back_exactly_also_after_a_resume"],
    "P3": ["catalogue/test_values.py::test_p03_a_fan_in_of_a_thousand_gets_them_all_in_order"],
    "P4": ["data/test_codec.py::test_arrays_come_back_exactly_and_can_be_written"],
    "P5": ["catalogue/test_values.py::test_p05_p07_many_consumers_of_one_file_each_have_their_own_copy"],
    "P6": ["data/test_codec.py::test_an_open_file_and_a_socket_are_named"],
    "P7": ["catalogue/test_values.py::test_p05_p07_many_consumers_of_one_file_each_have_their_own_copy"],
    "P8": ["catalogue/test_values.py::test_p02_p08_odd_values_come_back_exactly_also_after_a_resume"],
    "P9": [
        "catalogue/test_values.py::test_p09_a_value_that_is_altered_during_the_run_is_a_named_error_and_made_again",
        "cli/test_resume.py::test_a_lost_value_brings_its_producer_back",
    ],
    "S1": ["catalogue/test_security.py::test_s01_s04_values_reach_programs_as_they_are"],
    "S2": [
        "record/test_folder.py::test_a_planted_link_is_refused_and_nothing_is_written_through_it",
        "record/test_resume.py::test_a_path_that_is_not_in_the_run_folder_is_not_opened",
    ],
    "S3": ["lang/test_loader.py::test_bombs_are_refused_before_they_take_memory", "golden yaml-tags"],
    "S4": ["catalogue/test_security.py::test_s01_s04_values_reach_programs_as_they_are"],
    "S5": ["catalogue/test_secrets.py::test_s05_s06_a_secret_is_written_and_shown_nowhere"],
    "S6": ["catalogue/test_secrets.py::test_s05_s06_a_secret_is_written_and_shown_nowhere"],
    "S8": [
        "record/test_folder.py::test_folders_and_files_are_private_under_any_umask",
        "cli/test_run.py::test_everything_written_is_private_under_an_open_umask",
    ],
    "S9": [
        "data/test_store.py::test_an_altered_file_is_refused_and_a_copied_one_is_not",
        "data/test_codec.py::test_the_engine_never_runs_what_a_pickle_asks_for",
        "planning/test_ready.py::test_a_forged_file_runs_nothing",
    ],
    "S7": [
        "report/test_page.py::test_of_a_hundred_hostile_texts_none_is_run",
        "report/test_html.py::test_no_text_of_the_users_becomes_markup",
        "report/test_html.py::test_the_data_has_no_sign_that_could_end_its_element",
        "report/test_html.py::test_the_policy_names_each_script_and_style_by_its_digest_and_nothing_else",
        "report/test_html.py::test_nothing_is_loaded_from_anywhere",
    ],
    "S11": ["catalogue/test_security.py::test_s11_s12_nothing_that_a_task_says_steers_a_terminal_or_forges_a_record"],
    "S12": ["catalogue/test_security.py::test_s11_s12_nothing_that_a_task_says_steers_a_terminal_or_forges_a_record"],
    "S13": ["catalogue/test_security.py::test_s13_modules_that_lie_in_the_current_folder_are_not_ours"],
    "S14": ["catalogue/test_security.py::test_s14_nothing_is_left_in_the_temporary_folder"],
    "S15": ["record/test_folder.py::test_a_state_folder_of_another_user_is_refused_unless_trusted"],
}


@cache
def names_in(file: Path) -> frozenset[str]:
    """Return the names of the tests of a file."""
    tree = ast.parse(file.read_bytes())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("row", [f"{letter}{number}" for letter, last in ROWS.items() for number in range(1, last + 1)])
def test_each_row_is_held_by_something_that_is_there(row: str) -> None:
    assert (row in HELD_BY) != (row in TO_COME)

    for holder in HELD_BY.get(row, ()):
        if holder.startswith(_GOLDEN):
            assert (TESTS / "golden" / "check" / f"{holder.removeprefix(_GOLDEN)}.yaml").exists(), holder
        else:
            file, _, name = holder.partition("::")
            assert name in names_in(TESTS / file), holder
