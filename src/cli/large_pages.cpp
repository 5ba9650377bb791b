#include "cli/large_pages.h"

#ifdef ENTENTE_MIMALLOC
#include <mimalloc.h>
#endif

namespace entente::cli {

void prefer_large_pages() {
#ifdef ENTENTE_MIMALLOC
  mi_option_set_enabled_default(mi_option_large_os_pages, true);
#endif
}

}  // namespace entente::cli
