// SPDX-License-Identifier: Apache-2.0
#include "support/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/memory.h"
#include "support/say.h"

bool cli_is_folder(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

bool cli_is_file(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode);
}

const char *cli_last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int fail(const char *path, const char *what) {
    cli_say("%s: cannot %s: %s", path, what, strerror(errno));
    return CLI_FAILED;
}

int cli_make_folders(const char *path) {
    char *part = cli_copy(path);
    for (char *slash = part; slash;) {
        slash = strchr(slash + strspn(slash, "/"), '/');
        if (slash) {
            *slash = 0;
        }
        mkdir(part, 0777); // one that fails is not there in the end
        if (slash) {
            *slash = '/';
        }
    }
    free(part);
    return cli_is_folder(path) ? CLI_OK : fail(path, "make the folder");
}

int cli_output_open(const char *path, cli_output *out) {
    *out = (cli_output){.path = path, .unfinished = cli_format("%s.%ld.part", path, (long)getpid())};
    out->stream = fopen(out->unfinished, "w");
    if (out->stream) {
        return CLI_OK;
    }
    free(out->unfinished);
    return fail(path, "write");
}

int cli_output_close(cli_output *out) {
    const bool written = fflush(out->stream) == 0 && !ferror(out->stream) && fsync(fileno(out->stream)) == 0;
    const bool closed = fclose(out->stream) == 0;
    int code = CLI_OK;
    if (!written || !closed || rename(out->unfinished, out->path) != 0) {
        code = fail(out->path, "write");
        unlink(out->unfinished);
    }
    free(out->unfinished);
    return code;
}
