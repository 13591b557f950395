// Loads LibTorch, calls it once and ends: the yardstick for the start-up of w2s.
#include <ATen/ATen.h>

int main() { return at::ones({1}).item<float>() == 1.0f ? 0 : 1; }
