#include "plugins/guard.hpp"

#include <typeinfo>

#include "plugins/torch_message.hpp"

namespace w2s {
namespace {

// "loss 'x' (file.cpp:12): …", unless the message names the plugin itself.
std::string named(const PluginOrigin& origin, const std::string& message) {
  return message.find(origin.title()) != std::string::npos ? message : origin.text() + ": " + message;
}

UsageError located(const PluginOrigin& origin, const Source* configured, const UsageError& error) {
  const UsageError full(error.place(), named(origin, error.message()));
  return configured == nullptr ? full : full.at(*configured);
}

}  // namespace

void rethrow_from_plugin(const PluginOrigin& origin, const Source* configured) {
  try {
    throw;
  } catch (const NotAnError&) {
    throw;
  } catch (const WrongInputs& e) {
    throw WrongInputs(located(origin, configured, e));
  } catch (const UsageError& e) {
    if (typeid(e) != typeid(UsageError)) throw;
    throw located(origin, configured, e);
  } catch (const Error& e) {
    if (typeid(e) != typeid(Error)) throw;
    throw Error(named(origin, e.what()));
  } catch (const std::exception& e) {
    throw Error(origin.text() + ": " + message_of(e));
  } catch (...) {
    throw Error(origin.text() + ": threw something that is not a std::exception");
  }
}

}  // namespace w2s
