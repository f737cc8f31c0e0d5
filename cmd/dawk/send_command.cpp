// dawk send: hands one message to a server and tells what it said.
#include <cstdlib>

#include <limits.h>
#include <unistd.h>

#include "dawk/base/ascii.hpp"
#include "dawk/mta/submit.hpp"
#include "dawk/net/world.hpp"
#include "dawk/routing/via.hpp"
#include "dawk/rt/task_group.hpp"

#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/dialogue.hpp"
#include "cmd/dawk/draft.hpp"
#include "cmd/dawk/json.hpp"
#include "cmd/dawk/secret.hpp"

namespace dawk::cmd {
namespace {

using smtp::ClientFailure;
using smtp::RecipientResult;
using Kind = RecipientResult::Kind;

constexpr std::uint64_t progress_from_bytes = 1U << 20U;

struct Options {
    DraftOptions draft;
    std::string server, tls = "auto", ca_file, user, password_file, helo;
    bool insecure = false;
    bool verbose = false;
};
using OptionsPtr = std::shared_ptr<Options>;

std::string own_name() {
    char name[HOST_NAME_MAX + 1] = {};
    bool const known = ::gethostname(name, sizeof name - 1) == 0;
    return known && routing::is_host_name(name) ? name : "localhost";
}

void set_server(mta::Submission& what, Options const& options) {
    bool const logs_in = !options.user.empty();
    if (options.server.empty()) {  // the ports of the quickstart configuration
        what.host = "127.0.0.1";
        what.port = logs_in ? 2587 : 2525;
        return;
    }
    if (options.server.starts_with("unix:")) {
        what.host = options.server;
        return;
    }
    auto const at = routing::parse_host_port(options.server);
    if (!at) fail(Exit::usage, "--server: host, host:port or unix:/path is expected");
    what.host = at->host;
    what.port = at->port;
    if (what.port == 0) what.port = options.tls == "implicit" ? 465 : logs_in ? 587 : 25;
}

std::string password_of(Options const& options) {
    if (options.user.empty()) return {};
    if (!options.password_file.empty()) return read_secret_file(options.password_file);
    if (auto const* from_environment = std::getenv("DAWK_PASSWORD")) return from_environment;
    fail(Exit::usage, "--user needs a password: --password-file, or $DAWK_PASSWORD");
}

mta::Submission make_submission(Options const& options, PreparedMail const& mail) {
    mta::Submission what;
    set_server(what, options);
    using Tls = mta::Submission::Tls;
    what.tls = options.tls == "none"       ? Tls::none
               : options.tls == "starttls" ? Tls::starttls
               : options.tls == "implicit" ? Tls::implicit
                                           : Tls::automatic;
    what.insecure = options.insecure;
    what.ca_file = options.ca_file;
    what.user = options.user;
    what.password = password_of(options);
    what.client_name = options.helo.empty() ? own_name() : options.helo;
    what.envelope = mail.envelope;
    what.content = mail.content;
    return what;
}

// One task in a world of its own.
class Sending {
  public:
    Sending(mta::Submission what, Dialogue& dialogue)
        : what_(std::move(what)), dialogue_(dialogue) {}
    mta::SubmitResult run() {
        net::WorldSettings settings;
        settings.pool_threads = 1;
        net::World world(settings);
        auto env = world.env(0);
        {
            rt::TaskGroup group(env.executor);
            group.spawn(send(env));
            world.run_here();
        }
        dialogue_.finish();
        if (!result_) fail(Exit::software, "the attempt broke off");
        return *std::move(result_);
    }

  private:
    Task<void> send(rt::Env& env) {
        auto what = what_;
        result_ = co_await mta::submit(env, std::move(what), &dialogue_);
    }
    mta::Submission what_;
    Dialogue& dialogue_;
    std::optional<mta::SubmitResult> result_;
};

// ---- what it came to ----------------------------------------------------------------------------

std::string words_of(smtp::Reply const& reply) {
    return ascii::printable(reply.code == 0 ? reply.text : reply.one_line(), 1000);
}

Exit exit_of(ClientFailure const& failure) {
    if (failure.kind == ClientFailure::Kind::auth) return Exit::no_permission;
    if (failure.kind == ClientFailure::Kind::local) return Exit::io;
    bool const not_there = failure.stage == "connect" || failure.stage == "dns";
    if (not_there || failure.kind == ClientFailure::Kind::tls) return Exit::unavailable;
    if (failure.kind == ClientFailure::Kind::refused && failure.reply.is_permanent())
        return Exit::unavailable;
    return Exit::try_again;
}

Exit exit_of(RecipientResult const& result) {
    if (result.kind == Kind::accepted) return Exit::ok;
    if (result.kind == Kind::transient) return Exit::try_again;
    auto const status = result.reply.status_or_class();
    bool const wants_login = result.reply.code == 530 || result.reply.code == 535;
    if (wants_login || status.starts_with("5.7.")) return Exit::no_permission;
    if (status.starts_with("5.1.")) return Exit::no_user;
    if (result.stage == "content" || status.starts_with("5.6.") || status == "5.3.4")
        return Exit::data;
    return Exit::unavailable;
}

// What is for good weighs more than what may pass; among equals the first counts.
Exit worst_of(mta::SubmitResult const& result) {
    auto worst = Exit::ok;
    for (auto const& recipient : result.recipients) {
        auto const code = exit_of(recipient);
        bool const worse = worst == Exit::ok || (worst == Exit::try_again && code != Exit::ok);
        if (worse) worst = code;
    }
    if (worst == Exit::ok && result.recipients.empty() && result.failure)
        worst = exit_of(*result.failure);
    return worst;
}

char const* word_of(Kind kind) {
    switch (kind) {
        case Kind::accepted:
            return "accepted";
        case Kind::permanent:
            return "refused";
        default:
            return "try again";
    }
}

Json to_json(smtp::Reply const& reply, std::string_view stage) {
    return Json::object({{"code", static_cast<std::uint64_t>(reply.code)},
                         {"status", reply.status_or_class()},
                         {"text", reply.text},
                         {"stage", stage}});
}

void report_json(PreparedMail const& mail, mta::SubmitResult const& result) {
    std::vector<Json> recipients;
    for (std::size_t i = 0; i < result.recipients.size(); ++i) {
        auto const& r = result.recipients[i];
        recipients.push_back(Json::object({{"address", mail.envelope->recipients[i].address.text()},
                                           {"result", word_of(r.kind)},
                                           {"reply", to_json(r.reply, r.stage)}}));
    }
    print_json(Json::object(
        {{"server", result.remote},
         {"tls", result.tls},
         {"message_id", mail.message_id},
         {"size", mail.content->size()},
         {"recipients", Json::array(recipients)},
         {"failure",
          result.failure ? to_json(result.failure->reply, result.failure->stage) : Json()}}));
}

void report(PreparedMail const& mail, mta::SubmitResult const& result) {
    std::size_t accepted = 0;
    std::string last;
    for (std::size_t i = 0; i < result.recipients.size(); ++i) {
        auto const& r = result.recipients[i];
        if (r.kind == Kind::accepted) {
            ++accepted;
            last = words_of(r.reply);
        } else {
            print_error("dawk: " + mail.envelope->recipients[i].address.text() + ": " +
                        word_of(r.kind) + ": " + words_of(r.reply) + "\n");
        }
    }
    if (accepted > 0) {
        print("accepted by " + result.remote + " for " + std::to_string(accepted) +
              (accepted == 1 ? " recipient: " : " recipients: ") + last + "\n");
    } else if (result.failure && result.recipients.empty()) {
        bool const names_it = result.remote.empty() || result.failure->stage == "connect";
        auto const where = names_it ? std::string() : result.remote + ": ";
        print_error("dawk: " + where + words_of(result.failure->reply) + "\n");
        if (words_of(result.failure->reply).find("certificate verify failed") != std::string::npos)
            print_error("--ca-file trusts those who signed it, --insecure anybody.\n");
    }
}

void send(Options const& options) {
    auto mail_options = options.draft;
    bool const login_is_address = options.user.find('@') != options.user.npos;
    if (mail_options.from.empty() && login_is_address) mail_options.from = options.user;
    auto const mail = prepare_mail(mail_options, own_name());
    bool const shows_bar = !globals().json && ::isatty(STDERR_FILENO) == 1 &&
                           mail.content->size() >= progress_from_bytes;
    Dialogue dialogue(options.verbose ? Dialogue::Show::commands
                      : shows_bar     ? Dialogue::Show::progress
                                      : Dialogue::Show::nothing,
                      mail.content->size());
    auto const result = Sending(make_submission(options, mail), dialogue).run();
    globals().json ? report_json(mail, result) : report(mail, result);
    auto const code = worst_of(result);
    if (code != Exit::ok) fail(code, "");
}

void add_message_options(CLI::App& command, DraftOptions& draft) {
    command.add_option("--from", draft.from, "Author and sender: \"Name <a@b.example>\"")
        ->type_name("ADDRESS");
    command.add_option("--to", draft.to, "Recipients; may be given several times")
        ->type_name("ADDRESS");
    command.add_option("--cc", draft.cc, "Recipients of a copy")->type_name("ADDRESS");
    command.add_option("--bcc", draft.bcc, "Recipients nobody else sees")->type_name("ADDRESS");
    command.add_option("--subject", draft.subject, "Subject")->type_name("TEXT");
    auto* body = command.add_option("--body", draft.body, "The text")->type_name("TEXT");
    command
        .add_option("--body-file", draft.body_file,
                    "The text from a file; \"-\" or nothing at all: from standard input")
        ->type_name("FILE")
        ->excludes(body);
    auto* html = command.add_option("--html", draft.html, "The text as HTML")->type_name("HTML");
    command.add_option("--html-file", draft.html_file, "HTML from a file")
        ->type_name("FILE")
        ->excludes(html);
    command.add_option("--attach", draft.attachments, "Files to attach")->type_name("FILE");
    command.add_option("--header", draft.headers, "A further header field: \"Name: value\"")
        ->type_name("FIELD");
    auto* raw = command.add_option(
        "--raw", draft.raw_file,
        "A whole message as it stands, with line ends made CRLF; \"-\": standard "
        "input");
    raw->type_name("FILE");
    for (auto const* other :
         {"--subject", "--body", "--body-file", "--html", "--html-file", "--attach", "--header"})
        raw->excludes(other);
    command
        .add_option("--notify", draft.notify,
                    "Reports wanted: never, or some of success,failure,delay")
        ->type_name("WHEN");
    command.add_option("--ret", draft.ret, "What a report returns: full or hdrs")
        ->check(CLI::IsMember({"full", "hdrs"}))
        ->type_name("WHAT");
    command.add_option("--envid", draft.envid, "What reports call this message")->type_name("ID");
}

void add_server_options(CLI::App& command, Options& options) {
    command
        .add_option(
            "--server,-s", options.server,
            "host, host:port or unix:/path; default 127.0.0.1:2525, with --user 127.0.0.1:2587")
        ->type_name("SERVER");
    command
        .add_option("--tls", options.tls,
                    "none, starttls, implicit, or auto: what the server offers")
        ->check(CLI::IsMember({"none", "starttls", "implicit", "auto"}))
        ->type_name("HOW");
    command.add_flag("--insecure", options.insecure, "Take any certificate");
    command.add_option("--ca-file", options.ca_file, "Certificates to trust, PEM")
        ->type_name("FILE");
    command.add_option("--user,-u", options.user, "Log in as")->type_name("NAME");
    command
        .add_option("--password-file", options.password_file,
                    "The password; \"-\": standard input; else $DAWK_PASSWORD")
        ->type_name("FILE");
    command.add_option("--helo", options.helo, "Our name, instead of the host's")
        ->type_name("NAME");
    command.add_flag("--verbose,-v", options.verbose,
                     "Show the dialogue on standard error, without secrets");
}

}  // namespace

void add_send_command(CLI::App& app) {
    auto* command = app.add_subcommand("send", "Sends a message");
    command->group(groups::mail);
    auto const options = std::make_shared<Options>();
    add_message_options(*command, options->draft);
    add_server_options(*command, *options);
    command->callback([options] { send(*options); });
    command->footer(
        "Exit status: 0 accepted for all, 64 wrong options, 65 message refused, 66 file not "
        "readable,\n"
        "67 no such recipient, 69 no server, 75 try again later, 77 login or policy refused.\n"
        "Example: dawk send --to bob@example.org --subject Hello --body 'Good morning'");
}

}  // namespace dawk::cmd
