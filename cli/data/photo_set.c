#include "photo_set.h"

#include <string.h>

#include "base/memory.h"
#include "support/json.h"
#include "support/numbers.h"
#include "support/say.h"
#include "support/table.h"
#include "support/text.h"

static fv_status add_part(cli_photos *photos, const char *split, const char *name, int threads, fv_error *error) {
    int classes = photos->folder.classes, at = photos->part_count++;
    photos->parts[at].name = name ? name : split;
    photos->parts[at].class_counts = fv__alloc_array((size_t)classes, sizeof(size_t));
    fv__photos *found = &photos->parts[at].photos;
    fv_status status = photos->parts[at].class_counts ? fv__folder_photos(&photos->folder, split, threads, found, error)
                                                      : fv__fail_memory(error, "a part");
    for (size_t i = 0; i < found->count && !status; i++) {
        photos->parts[at].class_counts[found->items[i].label] += !found->items[i].problem;
        photos->parts[at].readable += !found->items[i].problem;
    }
    return status;
}

int cli_photos_open(int threads, const fv__dataset_info *info, const char *path, cli_photos *photos) {
    fv_error error;
    *photos = (cli_photos){0};
    const fv__folder *folder = &photos->folder;
    fv_status status = fv__folder_find(info, path, &photos->folder, &error);
    if (!status) {
        status = add_part(photos, "train", folder->train, threads, &error);
    }
    if (!status && folder->validation) {
        status = add_part(photos, "validation", folder->validation, threads, &error);
    }
    if (!status && folder->test && strcmp(folder->test, folder->validation) != 0) {
        status = add_part(photos, "test", folder->test, threads, &error);
    }
    return cli_check(status, &error);
}

void cli_photos_close(cli_photos *photos) {
    for (int p = 0; p < photos->part_count; p++) {
        fv__photos_free(&photos->parts[p].photos);
        fv__free(photos->parts[p].class_counts);
    }
    fv__folder_free(&photos->folder);
}

void cli_photos_print(const cli_photos *photos) {
    char number[CLI_NUMBER_SIZE];
    cli_table table = {.alignment = photos->part_count == 1 ? "lr" : photos->part_count == 2 ? "lrr" : "lrrr"};
    cli_line(stdout, "%s", photos->folder.root);
    putchar('\n');
    cli_table_add(&table, "class");
    for (int p = 0; p < photos->part_count; p++) {
        cli_table_add(&table, "%s", photos->parts[p].name);
    }
    for (int c = 0; c < photos->folder.classes; c++) {
        cli_table_add(&table, "%s", photos->folder.class_names[c]);
        for (int p = 0; p < photos->part_count; p++) {
            cli_table_add(&table, "%s", cli_count(number, (double)photos->parts[p].class_counts[c]));
        }
    }
    cli_table_add(&table, "all");
    for (int p = 0; p < photos->part_count; p++) {
        cli_table_add(&table, "%s", cli_count(number, (double)photos->parts[p].readable));
    }
    cli_table_print(&table, stdout);
}

json_t *cli_photos_json(const cli_photos *photos) {
    json_t *classes = json_array(), *parts = json_object();
    for (int c = 0; c < photos->folder.classes; c++) {
        json_array_append_new(classes, json_string(photos->folder.class_names[c]));
    }
    for (int p = 0; p < photos->part_count; p++) {
        json_t *counts = json_array();
        for (int c = 0; c < photos->folder.classes; c++) {
            json_array_append_new(counts, json_integer((json_int_t)photos->parts[p].class_counts[c]));
        }
        json_object_set_new(
            parts, photos->parts[p].name,
            json_pack("{s:I, s:o}", "samples", (json_int_t)photos->parts[p].readable, "class_counts", counts));
    }
    return json_pack("{s:o, s:o, s:o}", "folder", cli_json_text(photos->folder.root), "classes", classes, "parts",
                     parts);
}
