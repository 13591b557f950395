// A shared object that was not built with w2s_add_plugin().
extern "C" __attribute__((visibility("default"))) int answer() { return 42; }
