// SPDX-License-Identifier: Apache-2.0
// `fovea version`: which program this is, and the machine and libraries it runs with.
#include <string.h>

#include "commands.h"
#include "support/json.h"
#include "support/say.h"

typedef struct version_options {
    bool json;
} version_options;

static int print_json(const fv_build_info *info) {
    json_t *levels = json_array(), *libraries = json_object();
    for (int i = 0; info->isa_available[i]; i++) {
        json_array_append_new(levels, json_string(info->isa_available[i]));
    }
    for (int i = 0; i < info->library_count; i++) {
        const fv_library *library = &info->libraries[i];
        json_object_set_new(libraries, library->name, library->version ? json_string(library->version) : json_null());
    }
    return cli_json_print(json_pack("{s:s, s:s, s:i, s:s, s:o, s:s, s:o}", "version", fv_version(), "processor",
                                    info->processor, "threads", info->threads, "isa", info->isa, "isa_available",
                                    levels, "compiler", info->compiler, "libraries", libraries),
                          true);
}

// "libyaml 0.2.5, jansson 2.14, …" in lines of some 80 columns.
static void print_libraries(const fv_build_info *info) {
    int column = printf("libraries ");
    for (int i = 0; i < info->library_count; i++) {
        const fv_library *library = &info->libraries[i];
        const char *version = library->version ? library->version : "(left out)";
        column = column > 70 ? printf("\n          ") : column;
        column +=
            printf(" %s%s%s%s", library->name, *version ? " " : "", version, i + 1 < info->library_count ? "," : "\n");
    }
}

static void print_text(const fv_build_info *info) {
    printf("fovea %s\n", fv_version());
    printf("processor  %s, %d thread%s\n", info->processor, info->threads, info->threads == 1 ? "" : "s");
    printf("kernels    %s (here also:", info->isa);
    int others = 0;
    for (int i = 0; info->isa_available[i]; i++) {
        if (strcmp(info->isa_available[i], info->isa) != 0) {
            printf("%s %s", others++ ? "," : "", info->isa_available[i]);
        }
    }
    printf("%s; FOVEA_ISA chooses)\n", others ? "" : " none");
    printf("compiler   %s\n", info->compiler);
    print_libraries(info);
}

static int run(const void *given, const cli_arguments *arguments) {
    (void)arguments;
    const version_options *options = given;
    fv_build_info info = {.size = sizeof info};
    fv_error error;
    CLI_TRY(cli_check(fv_build_get_info(&info, &error), &error));
    if (options->json) {
        return print_json(&info);
    }
    print_text(&info);
    return CLI_OK;
}

static const cli_option options[] = {CLI_JSON(version_options, json), CLI_END};

const cli_command cli_version = {
    .name = "version",
    .arguments = "",
    .sentence = "Version, processor, instruction-set levels and libraries",
    .examples = CLI_EXAMPLES({"fovea version --json", NULL}),
    .options = options,
    .options_size = sizeof(version_options),
    .run = run,
};
