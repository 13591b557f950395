# Everything that w2s needs, all of it from packages.
find_package(Torch REQUIRED)
if(TORCH_CXX_FLAGS MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
  message(FATAL_ERROR "This LibTorch has the C++ ABI of before GCC 5, everything else here the one after it: "
                      "take 2.7 or later from pip, or an archive \"with cxx11 ABI\" from pytorch.org")
endif()
find_package(Boost 1.74 REQUIRED COMPONENTS program_options filesystem)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(simdjson REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(ZLIB REQUIRED)
find_package(LibArchive REQUIRED)
# For Parquet files, where they are there.
find_package(Arrow QUIET)
find_package(Parquet QUIET)
find_package(Threads REQUIRED)
find_library(W2S_ZSTD_LIBRARY zstd REQUIRED)
# D3 5 or later, of Debian's node-d3 or npm's d3: compiled into the HTML report.
find_file(W2S_D3 d3.min.js PATHS /usr/share/nodejs/d3/dist /usr/lib/node_modules/d3/dist /usr/local/lib/node_modules/d3/dist)
if(NOT W2S_D3)
  message(FATAL_ERROR "D3 was not found: install node-d3, or set W2S_D3 to a d3.min.js")
endif()
find_path(W2S_ELF_INCLUDE gelf.h REQUIRED)
find_library(W2S_ELF_LIBRARY elf REQUIRED)

# The SDK sees ATen and autograd only. TORCH_LIBRARIES brings the include folders and the C++ ABI.
add_library(w2s_torch INTERFACE)
target_include_directories(w2s_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(w2s_torch INTERFACE ${TORCH_LIBRARIES})
separate_arguments(W2S_TORCH_FLAGS UNIX_COMMAND "${TORCH_CXX_FLAGS}")
target_compile_options(w2s_torch INTERFACE ${W2S_TORCH_FLAGS})

# Fits over several processes, where LibTorch has c10d with Gloo (Debian: libgloo-dev for its headers) or NCCL.
include(CheckCXXSourceCompiles)
function(w2s_check_process_group name backend)
  set(CMAKE_REQUIRED_INCLUDES ${TORCH_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_LIBRARIES ${TORCH_LIBRARIES})
  set(CMAKE_REQUIRED_FLAGS "${TORCH_CXX_FLAGS}")
  set(CMAKE_REQUIRED_DEFINITIONS -DUSE_C10D_${backend})
  check_cxx_source_compiles("
    #include <torch/csrc/distributed/c10d/TCPStore.hpp>
    #include <torch/csrc/distributed/c10d/ProcessGroup${name}.hpp>
    int main() {
      auto store = c10::make_intrusive<c10d::TCPStore>(\"localhost\", c10d::TCPStoreOptions());
      auto options = c10d::ProcessGroup${name}::Options::create();
      c10::make_intrusive<c10d::ProcessGroup${name}>(store, 0, 1, options);
    }" W2S_${backend})
endfunction()
w2s_check_process_group(Gloo GLOO)
if(W2S_GLOO AND TORCH_CUDA_LIBRARIES)
  w2s_check_process_group(NCCL NCCL)
endif()
