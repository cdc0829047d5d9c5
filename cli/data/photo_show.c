// `fovea data show DIR`: what is in a folder of photographs, and a few of them as a picture.
#include "data.h"
#include "photo_set.h"
#include "support/json.h"
#include "support/say.h"
#include "support/text.h"

enum { SIDE = 128 };

static int show_samples(const data_show_options *options, const fv__dataset_info *info, const char *path) {
    const fv__photo_settings settings = {
        .resize = {FV__RESIZE_CROP, SIDE, SIDE}, .channels = 3, .threads = options->source.threads};
    fv_dataset *data;
    fv_error error;
    fv_status status = fv__dataset_open(info, "train", path, &settings, &data, &error);
    if (!status) {
        status = cli_draw_samples(data, options->out, &error);
        fv_dataset_free(data);
    }
    if (!status && !options->source.quiet && !options->json) {
        putchar('\n');
        cli_line(stdout, "%s: some of the training images, cut to squares", options->out);
    }
    return status ? cli_fail(&error) : CLI_OK;
}

// How large the pictures are, and of what kinds.
static void print_files(const cli_photos *photos) {
    int least[2] = {0}, most[2] = {0};
    size_t broken = 0;
    for (int p = 0; p < photos->part_count; p++) {
        const fv__photos *part = &photos->parts[p].photos;
        for (size_t i = 0; i < part->count; i++) {
            const int size[2] = {part->items[i].width, part->items[i].height};
            for (int d = 0; d < 2 && !part->items[i].problem; d++) {
                least[d] = !least[d] || size[d] < least[d] ? size[d] : least[d];
                most[d] = size[d] > most[d] ? size[d] : most[d];
            }
            broken += part->items[i].problem != NULL;
        }
    }
    printf("\n%d to %d pixels wide, %d to %d high\n", least[0], most[0], least[1], most[1]);
    if (broken) {
        printf("%zu files cannot be read: `fovea data check` names them\n", broken);
    }
}

int cli_photos_show(const data_show_options *options, const fv__dataset_info *info, const char *path) {
    cli_photos photos;
    int code = cli_photos_open(options->source.threads, info, path, &photos);
    if (code == CLI_OK && options->json) {
        code = cli_json_print(cli_photos_json(&photos), true);
    } else if (code == CLI_OK) {
        cli_photos_print(&photos);
        print_files(&photos);
    }
    cli_photos_close(&photos);
    return code == CLI_OK && options->out ? show_samples(options, info, path) : code;
}
