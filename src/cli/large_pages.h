#pragma once

namespace entente::cli {

/// Asks the allocator for memory in pages of 2 MiB where the system has them: a store of a million
/// keys touches so much memory at random that half of its time went into address translation
/// (docs/performance.md). Once, at the start of main. MIMALLOC_LARGE_OS_PAGES=0 in the environment
/// wins. Without effect in builds with sanitizers, which have their own allocator.
void prefer_large_pages();

}  // namespace entente::cli
