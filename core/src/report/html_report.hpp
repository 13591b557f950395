// One self-contained HTML page of a store: leaderboard, figures and a section per run.
//
// The page is core/src/report/page/ with D3 in it; what it shows is one JSON
// document, which its script reads and puts into the page as text. Curves are
// thinned and examples sampled, so that a thousand runs stay a few megabytes.
// Same records, same bytes. Free of LibTorch.
#pragma once

#include <string>
#include <vector>

#include "report/leaderboard.hpp"
#include "results/collection.hpp"

namespace w2s {

/// What the page shows:
///   metric, test, level, baseline, experiments, imports [{name, about}], models (names, in ladder order),
///   ranks     [{method, rank, tasks}]
///   rows      to_json(board), each with block (number), runs (indices into runs, the row's students) and, of
///             a method that keeps a fraction of the examples, selection {strategy, keep}; method is
///             Row::name, variant the point of a sweep that the block is of, and swept {method, point} the
///             method's own
///   runs      records; floor, ceiling and fits are indices (null where the store lacks them), config and
///             provenance are indices into configs and provenances; reliability {test: [[examples, mean
///             confidence, accuracy] × 15]}; against_supervisor {test: {examples, counts, cases, described}},
///             where counts and cases have corrected, lost, copied and differently_wrong (counts also
///             both_right), a case is [place in the test set, truth, supervisor's label, student's label,
///             supervisor's confidence, student's confidence], and described has {id, text, second} by place;
///             classes are their names. Labels of a generation task are its answers
///   fits      {key, kind, model, loss, train, …, log {step, loss}, validation {step, NAME…}}
///   configs   resolved experiments, TOML text
///   provenances  those that differ, without the experiment
/// `records` is the list that the board was made of. Predictions and fits that were removed from the store
/// are left out. Throws Error where they are damaged.
nlohmann::json report_data(const std::vector<Record>& records, const Leaderboard& board,
                           const Collection& collection);

/// The page around the data. Text of the data cannot end its script element, whatever it holds.
std::string html_page(const nlohmann::json& data);

}  // namespace w2s
