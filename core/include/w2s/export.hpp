// Symbol visibility. Everything in w2s is built with -fvisibility=hidden; what
// crosses the boundary between the core and a plugin carries W2S_API.
#pragma once

#define W2S_API __attribute__((visibility("default")))
