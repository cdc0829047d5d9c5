// `fovea data list | show | check | get`: the data sets known by name, what is in them, and where they come from.
#include "data/data.h"

#include <string.h>

#include "support/json.h"
#include "support/recipe.h"

// --- list

static int list(const cli_options *options) {
    json_t *sets = json_array();
    cli_table table = {.alignment = "lll"};
    fv_known_dataset known = {.size = sizeof known};
    for (size_t i = 0; fv_dataset_get_known(i, &known); i++) {
        char *folder = NULL;
        const bool here = fv_dataset_locate(known.name, options->path, &folder, NULL) == FV_OK;
        cli_table_add(&table, "%s", known.name);
        cli_table_add(&table, "%s", known.title);
        if (here) {
            cli_table_add(&table, "in %s", folder);
        } else {
            cli_table_add(&table, "not here: `fovea data get %s`%s%s", known.name,
                          known.package ? " or apt install " : "", known.package ? known.package : "");
        }
        json_array_append_new(sets, json_pack("{s:s, s:s, s:s, s:o, s:s?}", "name", known.name, "title", known.title,
                                              "source", known.source, "folder",
                                              folder ? cli_json_text(folder) : json_null(), "package", known.package));
        fv_free(folder);
    }
    if (options->json) {
        cli_table_drop(&table);
        return cli_json_print(sets, true);
    }
    json_decref(sets);
    return cli_table_print(&table, stdout);
}

// --- show: a known set

typedef struct split {
    fv_dataset *data; // NULL: not opened
    const fv_dataset_info *info;
    fv_dataset_statistics *statistics;
} split;

enum { SPLITS = 2 };
static const char *const split_names[SPLITS] = {"train", "test"};

static json_t *split_json(const split *one) {
    json_t *counts = json_array(), *mean = json_array(), *deviation = json_array();
    for (int i = 0; i < one->info->classes; i++) {
        json_array_append_new(counts, json_integer((json_int_t)one->statistics->class_counts[i]));
    }
    for (int c = 0; c < one->info->channels; c++) {
        json_array_append_new(mean, json_real(one->statistics->mean[c]));
        json_array_append_new(deviation, json_real(one->statistics->deviation[c]));
    }
    return json_pack("{s:I, s:o, s:o, s:i, s:i, s:o, s:o}", "samples", (json_int_t)one->info->count, "folder",
                     cli_json_text(one->info->folder), "class_counts", counts, "minimum", one->statistics->minimum,
                     "maximum", one->statistics->maximum, "mean", mean, "deviation", deviation);
}

static int show_json(const split *splits) {
    const fv_dataset_info *data = splits[0].info;
    json_t *classes = json_array();
    for (int i = 0; i < data->classes; i++) {
        json_array_append_new(classes, json_string(data->class_names[i]));
    }
    return cli_json_print(json_pack("{s:s, s:[i,i,i], s:o, s:o, s:o}", "name", data->name, "shape", data->height,
                                    data->width, data->channels, "classes", classes, split_names[0],
                                    split_json(&splits[0]), split_names[1], split_json(&splits[1])),
                          true);
}

// Mean and deviation of a split, a number for each channel.
static void print_values(const char *name, const split *one) {
    printf("  %-5s  %d to %d, mean", name, one->statistics->minimum, one->statistics->maximum);
    for (int c = 0; c < one->info->channels; c++) {
        printf(" %.3f", one->statistics->mean[c]);
    }
    printf(", deviation");
    for (int c = 0; c < one->info->channels; c++) {
        printf(" %.3f", one->statistics->deviation[c]);
    }
    printf("\n");
}

static void print_title(const char *name) {
    fv_known_dataset known = {.size = sizeof known};
    for (size_t i = 0; fv_dataset_get_known(i, &known); i++) {
        if (strcmp(known.name, name) == 0) {
            printf("%s\n%s\n\n", known.title, known.source);
        }
    }
}

static int show_text(const split *splits) {
    const fv_dataset_info *data = splits[0].info;
    char number[CLI_NUMBER_SIZE];
    print_title(data->name);
    printf("%d × %d × %d bytes per sample, %d classes\n", data->height, data->width, data->channels, data->classes);
    for (int i = 0; i < SPLITS; i++) {
        printf("  %-5s  %s samples in %s\n", split_names[i], cli_count(number, (double)splits[i].info->count),
               splits[i].info->folder);
    }
    printf("\nPixel values\n");
    for (int i = 0; i < SPLITS; i++) {
        print_values(split_names[i], &splits[i]);
    }
    printf("\n");
    cli_table table = {.alignment = "rlrr"};
    cli_table_add(&table, "class");
    cli_table_add(&table, "name");
    cli_table_add(&table, "train");
    cli_table_add(&table, "test");
    for (int i = 0; i < data->classes; i++) {
        cli_table_add(&table, "%d", i);
        cli_table_add(&table, "%s", data->class_names[i]);
        cli_table_add(&table, "%s", cli_count(number, (double)splits[0].statistics->class_counts[i]));
        cli_table_add(&table, "%s", cli_count(number, (double)splits[1].statistics->class_counts[i]));
    }
    return cli_table_print(&table, stdout);
}

static int show_set(const cli_options *options, const char *name) {
    const fv_dataset_options how = {.size = sizeof how, .path = options->path};
    fv_error error;
    fv_status status = FV_OK;
    split splits[SPLITS] = {0};
    for (int i = 0; i < SPLITS && status == FV_OK; i++) {
        status = fv_dataset_open(name, split_names[i], &how, &splits[i].data, &error);
        if (status == FV_OK) {
            splits[i].info = fv_dataset_get_info(splits[i].data);
            status = fv_dataset_measure(splits[i].data, &splits[i].statistics, &error);
        }
    }
    int code = status != FV_OK ? cli_fail(&error) : options->json ? show_json(splits) : show_text(splits);
    if (code == CLI_OK && options->out) {
        code = fv_dataset_draw(splits[0].data, options->out, &error) == FV_OK ? CLI_OK : cli_fail(&error);
    }
    for (int i = 0; i < SPLITS; i++) {
        fv_dataset_statistics_free(splits[i].statistics);
        fv_dataset_free(splits[i].data);
    }
    return code;
}

// --- show: photographs

enum { SIDE = 128 };

static const fv_dataset_options *squares(const cli_options *options, fv_dataset_options *out) {
    *out = (fv_dataset_options){.size = sizeof *out,
                                .path = options->path,
                                .height = SIDE,
                                .width = SIDE,
                                .resize = "crop",
                                .threads = options->threads};
    return out;
}

static int draw_samples(const cli_options *options, const char *name) {
    fv_dataset_options how;
    fv_dataset *data = NULL;
    fv_error error;
    fv_status status = fv_dataset_open(name, "train", squares(options, &how), &data, &error);
    if (!status) {
        status = fv_dataset_draw(data, options->out, &error);
        fv_dataset_free(data);
    }
    if (!status && !options->quiet && !options->json) {
        printf("\n%s: some of the training images, cropped to squares\n", options->out);
    }
    return status ? cli_fail(&error) : CLI_OK;
}

static int show_photos(const cli_options *options, const char *name, const fv_check_info *info) {
    int code = CLI_OK;
    if (options->json) {
        code = cli_json_print(cli_check_json_parts(info), true);
    } else {
        cli_check_print_parts(info);
        printf("\n%d to %d pixels wide, %d to %d high\n", info->least_width, info->most_width, info->least_height,
               info->most_height);
        if (info->unreadable) {
            printf("%zu files cannot be read: `fovea data check` names them\n", info->unreadable);
        }
    }
    return code == CLI_OK && options->out ? draw_samples(options, name) : code;
}

static bool is_photos(const char *name) {
    fv_known_dataset known = {.size = sizeof known};
    for (size_t i = 0; fv_dataset_get_known(i, &known); i++) {
        if (strcmp(known.name, name) == 0) {
            return known.photos;
        }
    }
    return fv_dataset_is_path(name);
}

static int show(const cli_options *options, const char *name) {
    const fv_check_options how = {
        .size = sizeof how, .path = options->path, .brief = true, .threads = options->threads};
    fv_check *check = NULL;
    fv_error error;
    if (!is_photos(name)) {
        return show_set(options, name);
    }
    if (fv_dataset_check(name, &how, &check, &error) != FV_OK) {
        return cli_fail(&error);
    }
    const fv_check_info *info = fv_check_get_info(check);
    const int code = info->photos ? show_photos(options, name, info) : show_set(options, name);
    fv_check_free(check);
    return code;
}

// --- show --augment

static bool has_ending(const char *text, const char *ending) {
    const size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

static bool is_builtin(const char *name) {
    const fv_builtin_recipe *recipe;
    for (size_t i = 0; (recipe = fv_recipe_get_builtin(i)) && strcmp(recipe->name, name) != 0; i++) {
    }
    return recipe != NULL;
}

static int augment_recipe(const cli_options *options, const char *name) {
    fv_error error;
    fv_recipe *recipe = NULL;
    int code = cli_recipe_open(name, options, &recipe);
    if (code != CLI_OK) {
        return code;
    }
    if (!fv_recipe_get_info(recipe)->augmentations) {
        cli_say("%s has no augmentations: the images stay as they are", name);
    }
    if (fv_recipe_draw_augmentation(recipe, options->seed, options->augment, &error) != FV_OK) {
        code = cli_fail(&error);
    }
    fv_recipe_free(recipe);
    return code;
}

// The list of `--set augment=[...]`, the only key that can be set for a data set.
static int find_list(const cli_options *options, const char **list) {
    static const char key[] = "augment=";
    *list = NULL;
    for (int i = 0; i < options->set_count; i++) {
        if (strncmp(options->sets[i], key, sizeof key - 1) != 0) {
            return cli_usage(&cli_data,
                             "--set %s: only augment can be set for a data set; name a recipe to set its other keys",
                             options->sets[i]);
        }
        *list = options->sets[i] + sizeof key - 1;
    }
    return CLI_OK;
}

static int augment_set(const cli_options *options, const char *name) {
    fv_dataset_options how;
    fv_dataset *data = NULL;
    fv_error error;
    const char *list;
    const int code = find_list(options, &list);
    if (code != CLI_OK) {
        return code;
    }
    if (fv_dataset_open(name, "train", squares(options, &how), &data, &error) != FV_OK) {
        return cli_fail(&error);
    }
    const fv_status status = fv_dataset_draw_augmentation(data, list, options->seed, options->augment, &error);
    fv_dataset_free(data);
    if (!status) {
        return CLI_OK;
    }
    cli_fail(&error);
    return list && (status == FV_INVALID || status == FV_FORMAT) ? CLI_USAGE : CLI_FAILED; // a wrong --set
}

static int augment(const cli_options *options, const char *name) {
    const bool recipe = is_builtin(name) || (has_ending(name, ".yaml"));
    const int code = recipe ? augment_recipe(options, name) : augment_set(options, name);
    if (code == CLI_OK && options->json) {
        return cli_json_print(json_pack("{s:o}", "picture", cli_json_text(options->augment)), true);
    }
    if (code == CLI_OK && !options->quiet) {
        printf("%s: in each row the image as it is, then as eight epochs of training would see it\n", options->augment);
    }
    return code;
}

// --- the command

// An option that the action has no use for.
static const char *find_idle(const cli_options *options, const char *action, const char **goes_with) {
    const struct {
        bool given;
        const char *name, *actions;
    } all[] = {{options->path, "path", "list, show and check"},
               {options->out, "out", "show and get"},
               {options->augment, "augment", "show"},
               {options->set_count > 0, "set", "show"},
               {options->sha256, "sha256", "get"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].given && !strstr(all[i].actions, action)) {
            *goes_with = all[i].actions;
            return all[i].name;
        }
    }
    return NULL;
}

static int run(const cli_options *options) {
    static const char *const actions[] = {"list", "show", "check", "get", NULL};
    const char *action = options->argument_count > 0 ? options->arguments[0] : "list", *goes_with;
    const bool lists = strcmp(action, "list") == 0, shows = strcmp(action, "show") == 0,
               gets = strcmp(action, "get") == 0;
    if (!lists && !shows && !gets && strcmp(action, "check") != 0) {
        char hint[256];
        return cli_usage(&cli_data, "data %s: %s", action, fv__suggest_name(hint, sizeof hint, action, actions));
    }
    const char *idle = find_idle(options, action, &goes_with);
    if (idle) {
        return cli_usage(&cli_data, "data %s: --%s does nothing here; it goes with %s", action, idle, goes_with);
    }
    if (lists) {
        return options->argument_count > 1 ? cli_usage(&cli_data, "data list takes no argument") : list(options);
    }
    if (options->argument_count < 2) {
        return cli_usage(&cli_data, "data %s needs the name of a data set; `fovea data list` shows them", action);
    }
    if (!shows && !gets) {
        return cli_data_check(options);
    }
    if (gets) {
        return cli_data_get(options);
    }
    if (options->augment) {
        return options->out ? cli_usage(&cli_data, "data show: --augment draws one picture and --out another; give one")
                            : augment(options, options->arguments[1]);
    }
    if (options->set_count) {
        return cli_usage(&cli_data, "data %s: --set goes with --augment", action);
    }
    return show(options, options->arguments[1]);
}

const cli_command cli_data = {
    .name = "data",
    .arguments = "list | show SET|DIR | check SET|DIR | get SET|URL  [OPTIONS]",
    .sentence = "List, look at, check and download data sets",
    .details =
        "Data sets are looked for in --path, $FOVEA_DATA, the cache ($XDG_CACHE_HOME/fovea or ~/.cache/fovea),\n"
        "and where Debian's packages put them.\n"
        "\n"
        "  fovea data list                     which sets there are, and where they were found\n"
        "  fovea data show fashion-mnist       splits, classes, counts, range and mean of the pixels\n"
        "  fovea data show fashion-mnist --out samples.png      and the first 25 as a picture\n"
        "  fovea data show cifar100 --augment grid.png    what augmentation makes of pictures; choose by\n"
        "                                      --set 'augment=[flip, cutout: 8]', or name a recipe\n"
        "  fovea data check fashion-mnist      every file: counts, size, sum of its content\n"
        "  fovea data check ./my-files         the same for a folder of one's own\n"
        "  fovea data check ./photos           photographs, a folder for each class (or a zip of that): files\n"
        "                                      that cannot be read, pictures that are there twice, ...\n"
        "  fovea data show ./photos --out samples.png     classes, counts, sizes, and a few as a picture\n"
        "  fovea data get mnist                download into the cache, checked; goes on where it stopped\n"
        "  fovea data get mnist --out ./data   into a folder\n"
        "  fovea data get https://example.org/photos.zip --sha256 SUM     any file, kept only if it has this sum\n",
    .options = "path out augment set sha256",
    .most_arguments = 2,
    .run = run,
};
