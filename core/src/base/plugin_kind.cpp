#include <w2s/register.hpp>

namespace w2s {

const char* name_of(PluginKind kind) {
  switch (kind) {
    case PluginKind::task:
      return "task";
    case PluginKind::model:
      return "model";
    case PluginKind::objective:
      return "objective";
    case PluginKind::loss:
      return "loss";
    case PluginKind::strategy:
      return "strategy";
  }
  throw Error("there is no plugin kind " + std::to_string(static_cast<int>(kind)));
}

}  // namespace w2s
