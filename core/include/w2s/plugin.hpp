// The umbrella that a plugin includes: the whole SDK.
// Each header says what may be called from which thread.
#pragma once

#include <w2s/digest.hpp>
#include <w2s/error.hpp>
#include <w2s/lab.hpp>
#include <w2s/loss.hpp>
#include <w2s/model.hpp>
#include <w2s/objective.hpp>
#include <w2s/random.hpp>
#include <w2s/schema.hpp>
#include <w2s/strategy.hpp>
#include <w2s/task.hpp>
#include <w2s/tensor.hpp>
