// Holds the precompiled <w2s/plugin.hpp>.
