#include "cmd/dawk/completion.hpp"

#include <set>

namespace dawk::cmd {
namespace {

// Within single quotes of every shell we know; apostrophes are simply typographic there.
std::string quoted(std::string_view text) {
    std::string out = "'";
    for (char const c : text) {
        if (c == '\'')
            out += "\u2019";
        else
            out += c;
    }
    return out + "'";
}

template <class F>
void visit(CommandWords const& command, F const& f) {
    f(command);
    for (auto const& below : command.below) visit(below, f);
}

// A shell case that tells how far the words so far lead into the tree.
std::string known_paths(CommandWords const& root, std::string_view separator) {
    std::string out;
    visit(root, [&](CommandWords const& c) {
        if (c.path == root.path) return;
        out += (out.empty() ? "" : std::string(separator)) + '"' + c.path + '"';
    });
    return out;
}

// Each option once whose next word is its value, of those that `wanted` takes.
template <class F>
std::string value_options(CommandWords const& root, F const& wanted) {
    std::set<std::string> names;
    visit(root, [&](CommandWords const& c) {
        for (auto const& option : c.options)
            if (option.takes_value && wanted(option)) names.insert(option.name);
    });
    std::string out;
    for (auto const& name : names) out += (out.empty() ? "" : "|") + name;
    return out;
}

// Those of dawk itself that may stand behind any command.
std::vector<OptionWords> options_of(CommandWords const& root, CommandWords const& command) {
    auto out = command.options;
    if (command.path == root.path) return out;
    for (auto const& option : root.options)
        if (option.name != "--help" && option.name != "--version") out.push_back(option);
    return out;
}

std::string bash_script(CommandWords const& root) {
    std::string out =
        "# bash completion of dawk; source it, or put it into the completions folder.\n"
        "_dawk() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    local path=dawk i words=\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case \"$path ${COMP_WORDS[i]}\" in\n"
        "            " +
        known_paths(root, "|") +
        ") path=\"$path ${COMP_WORDS[i]}\" ;;\n"
        "        esac\n"
        "    done\n"
        "    COMPREPLY=()\n";
    auto const files = value_options(root, [](auto const& o) { return o.takes_file; });
    auto const folders = value_options(root, [](auto const& o) { return o.takes_folder; });
    auto const values =
        value_options(root, [](auto const& o) { return !o.takes_file && !o.takes_folder; });
    out += "    case \"$prev\" in\n";
    if (!files.empty())
        out += "        " + files + ") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n";
    if (!folders.empty())
        out += "        " + folders + ") COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n";
    if (!values.empty()) out += "        " + values + ") return ;;\n";
    out += "    esac\n    case \"$path\" in\n";
    visit(root, [&](CommandWords const& c) {
        std::string words;
        for (auto const& below : c.below) words += below.name() + ' ';
        for (auto const& option : options_of(root, c)) words += option.name + ' ';
        words.pop_back();
        out += "        \"" + c.path + "\") words=\"" + words + "\"";
        if (c.takes_file) out += "; COMPREPLY=($(compgen -f -- \"$cur\"))";
        out += " ;;\n";
    });
    out +=
        "    esac\n"
        "    COMPREPLY+=($(compgen -W \"$words\" -- \"$cur\"))\n"
        "}\n"
        "complete -o filenames -F _dawk dawk\n";
    return out;
}

std::string zsh_script(CommandWords const& root) {
    std::string out =
        "#compdef dawk\n"
        "# zsh completion of dawk; as _dawk in a folder of $fpath.\n"
        "local path_so_far=dawk word\n"
        "for word in ${words[2,CURRENT-1]}; do\n"
        "    case \"$path_so_far $word\" in\n"
        "        (" +
        known_paths(root, "|") +
        ") path_so_far=\"$path_so_far $word\" ;;\n"
        "    esac\n"
        "done\n"
        "local -a commands options\n"
        "case \"$path_so_far\" in\n";
    visit(root, [&](CommandWords const& c) {
        out += "    (\"" + c.path + "\")\n        commands=(";
        for (auto const& below : c.below)
            out += "\n            " + quoted(below.name() + ':' + below.description);
        out += ")\n        options=(";
        for (auto const& option : options_of(root, c))
            out += "\n            " + quoted(option.name + ':' + option.description);
        out += ")\n        ;;\n";
    });
    out +=
        "esac\n"
        "case \"${words[CURRENT-1]}\" in\n"
        "    (" +
        value_options(root, [](auto const&) { return true; }) +
        ") _files; return ;;\n"
        "esac\n"
        "(( ${#commands} )) && _describe command commands\n"
        "[[ \"$PREFIX\" == -* || ${#commands} -eq 0 ]] && _describe option options\n"
        "(( ${#commands} )) || _files\n";
    return out;
}

std::string fish_script(CommandWords const& root) {
    std::string out =
        "# fish completion of dawk; as dawk.fish in a completions folder.\n"
        "function __dawk_path\n"
        "    set -l path dawk\n"
        "    for word in (commandline -opc)[2..-1]\n"
        "        if contains -- \"$path $word\" " +
        known_paths(root, " ") +
        "\n"
        "            set path \"$path $word\"\n"
        "        end\n"
        "    end\n"
        "    echo $path\n"
        "end\n"
        "complete -c dawk -f\n";
    visit(root, [&](CommandWords const& c) {
        auto const when = "complete -c dawk -n 'test (__dawk_path) = \"" + c.path + "\"'";
        for (auto const& below : c.below)
            out += when + " -a " + below.name() + " -d " + quoted(below.description) + '\n';
        if (c.takes_file) out += when + " -F\n";
        for (auto const& option : c.options) {
            // Options of dawk itself may stand anywhere.
            bool const anywhere = c.path == root.path && option.takes_value;
            out += (anywhere ? "complete -c dawk" : when) + " -l " + option.name.substr(2);
            if (option.takes_value)
                out += option.takes_file || option.takes_folder ? " -rF" : " -x";
            out += " -d " + quoted(option.description) + '\n';
        }
    });
    return out;
}

}  // namespace

std::string completion_script(std::string_view shell, CommandWords const& root) {
    if (shell == "bash") return bash_script(root);
    return shell == "zsh" ? zsh_script(root) : fish_script(root);
}

}  // namespace dawk::cmd
