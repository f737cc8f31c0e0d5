// dawk tls self-signed: a key and a certificate to try TLS with.
#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/json.hpp"
#include "cmd/dawk/self_signed.hpp"

namespace dawk::cmd {

void add_tls_command(CLI::App& app) {
    auto* command = app.add_subcommand("tls", "Keys and certificates");
    command->group(groups::setup);
    auto options = std::make_shared<SelfSigned>();
    auto* making = command->add_subcommand("self-signed",
                                           "Makes a key and a certificate that nobody vouches for");
    making->add_option("--out-dir", options->folder, "Where cert.pem and key.pem go")
        ->type_name("DIR")
        ->required();
    making
        ->add_option("--hostname", options->hostnames,
                     "A name or address of the server; may be given again")
        ->type_name("NAME")
        ->required();
    making->add_option("--days", options->days, "How long it is valid")
        ->type_name("NUMBER")
        ->check(CLI::Range(1, 3650))
        ->capture_default_str();
    making->add_flag("--force", options->force, "Replace files that are there");
    making->callback([options] {
        make_self_signed(*options);
        auto const certificate = options->folder + "/cert.pem";
        auto const key = options->folder + "/key.pem";
        if (globals().json)
            return print_json(Json::object({{"certificate", certificate}, {"key", key}}));
        print(certificate + '\n' + key + '\n');
    });
}

}  // namespace dawk::cmd
