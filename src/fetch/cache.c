#include "fetch/cache.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

fv_status fv__cache_path(const char *name, char **out, fv_error *error) {
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    const char *slash = name ? "/" : "";
    name = name ? name : "";
    *out = NULL;
    if (cache && cache[0] == '/') { // the specification: a relative path is to be ignored
        *out = fv__format("%s/fovea%s%s", cache, slash, name);
    } else {
        if (!home || !home[0]) {
            const struct passwd *user = getpwuid(getuid());
            home = user ? user->pw_dir : NULL;
        }
        if (!home || !home[0]) {
            return fv__fail(error, FV_NOT_FOUND, "no home folder for the cache: set HOME or XDG_CACHE_HOME");
        }
        *out = fv__format("%s/.cache/fovea%s%s", home, slash, name);
    }
    return *out ? FV_OK : fv__fail_memory(error, "the path of the cache");
}
