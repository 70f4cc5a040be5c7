import { posix } from "node:path";

/**
 * What belongs to the system of an image and not to its application. Naming or using one file of such a directory says nothing
 * about the others: kept whole they only cost (`/usr/lib`, `/etc/ssl`, `/usr/share/doc`, a language's library directory).
 */

const wholeTrees = [
  /^\/(bin|sbin|lib|lib32|lib64|libx32|boot|dev|proc|sys|run|tmp)(\/|$)/,
  /^\/usr\/(bin|sbin|games|include|lib32|libx32|libexec)(\/|$)/,
  /^\/usr\/local\/(bin|sbin|games|include|man)(\/|$)/,
  /^\/var\/(backups|cache|lock|log|mail|run|spool|tmp)(\/|$)/,
];

/** These only hold directories that belong to somebody. */
const shelves = new Set([
  ..."/ /usr /etc /var /opt /home /mnt /media /usr/local /usr/src /usr/share /usr/lib /usr/lib64".split(" "),
  ..."/usr/local/lib /usr/local/lib64 /usr/local/libexec /usr/local/share /usr/local/etc /usr/local/src".split(" "),
  ..."/usr/local/var /var/lib /var/local /var/opt /etc/opt /usr/share/javascript /usr/local/lib/node_modules".split(
    " ",
  ),
]);

const lib =
  /^(python.*|pypy.*|ruby.*|perl.*|php.*|gcc.*|llvm.*|clang|go|go-.*|rustlib|jvm|java|jni|erlang|ocaml|R|node_modules|nodejs|ssl|engines.*|ossl-modules|locale|gconv|systemd|udev|sasl2|git-core|apt|dpkg|cmake|pkgconfig|debug|modules.*|firmware|.*\.d|mime|security|terminfo|tmpfiles|bfd-plugins|compat-ld|gold-ld|file|openssh|gnupg.*|valgrind|.*-linux-(gnu|musl).*|postgresql|apk|rpm|sysimage|init|lsb|binfmt.*|audit|cgroup|console.*|tc|tls|pam.*|environment.*)$/;
const share =
  /^(doc|doc-base|man|info|locale|zoneinfo.*|i18n|terminfo|tabset|perl.*|python.*|pypy.*|ruby.*|rubygems.*|php|pixmaps|icons|fonts|fontconfig|mime|mime-info|applications|bash-completion|zsh|fish|common-licenses|licenses|lintian|bug|base-files|base-passwd|debconf|debianutils|dpkg|gcc.*|gdb|glib-2.0|gir-1.0|gtk.*|java|maven-repo|nodejs|node_modules|ca-certificates|keyrings|misc|X11|tcltk|vim|emacs|nano|git-core|pkgconfig|aclocal.*|autoconf|automake.*|cmake.*|cups|ghostscript|poppler|groff|menu|sgml|xml|themes|sounds|dict|awk|file|pam|pam-configs|polkit-1|dbus-1|systemd|pki|crypto-policies|ImageMagick.*|adduser|libc-bin|sensible-utils|readline|apt.*|bison|gettext.*|libtool|metainfo|appdata|color|alsa|drirc.d|wayland.*|help|gnupg|iso-codes|xml-core|binfmts|nsight|thumbnailers|util-linux|distro-info|mysql-common|elisp.*|texmf.*|texlive)$/;
const etc =
  /^(ssl|alternatives|default|apt|dpkg|pam\.d|security|init\.d|init|rc.*\.d|cron.*|systemd|skel|profile\.d|ld\.so\.conf\.d|fonts|ca-certificates|python.*|perl|X11|logrotate\.d|update-motd\.d|terminfo|selinux|xdg|opt|pki|gss|kernel|mod.*\.d|network|sysctl\.d|udev|depmod\.d|ssh|sudoers\.d|apk|rpm|yum.*|dnf|conf\.d|bash_completion\.d|binfmt\.d|emacs|vim|groff|tmpfiles\.d|dbus-1|polkit-1|ufw|apparmor.*|iproute2|libpaper\.d|newt|dconf|runlevels|periodic|crontabs|sysconfig|gnupg|krb5\.conf\.d)$/;
const varLib =
  /^(dpkg|apt|pam|systemd|python|ucf|misc|polkit-1|rpm|yum|dnf|dbus|alternatives|initramfs-tools|locales|dictionaries-common|command-not-found|swcatalog|apk|xml-core|sgml-base|shells\.state|ghostscript|aspell|emacsen-common|private|usbutils|vim|update-rc\.d|insserv)$/;

const owned: readonly [RegExp, RegExp][] = [
  [/^\/usr\/(?:local\/)?lib(?:64)?\/([^/]+)/, lib],
  [/^\/usr\/(?:local\/)?share\/([^/]+)/, share],
  [/^\/(?:usr\/local\/)?etc\/([^/]+)/, etc],
  [/^\/var\/lib\/([^/]+)/, varLib],
];

/** Whether a directory, by its real path, is the system's: never kept whole and never an application's directory. */
export function isSystemDirectory(path: string): boolean {
  if (shelves.has(path) || wholeTrees.some((tree) => tree.test(path))) return true;
  return owned.some(([place, names]) => names.test(place.exec(path)?.[1] ?? "/"));
}

/** Whether a file lies in a system directory. */
export const isSystemFile = (path: string): boolean => isSystemDirectory(posix.dirname(path));

/**
 * Credentials of the system: no rule keeps them, whatever names them. A program that needs them has been seen to read them, or
 * the user pins them.
 */
export function isSystemSecret(path: string): boolean {
  return /^\/etc\/(g?shadow-?|security\/opasswd|sudoers(\/.*|\.d\/.*)?|krb5\.keytab|ssh\/ssh_host_[^/]*_key)$|\/(\.ssh|\.gnupg)(\/|$)/.test(
    path,
  );
}

/**
 * A private key or key store, by its name. Such a file never comes along with a directory of the system; it is kept when a
 * configuration or the application names it itself, because a server does not start without the key of its certificate.
 */
export function isPrivateKey(path: string): boolean {
  return (
    isSystemSecret(path) ||
    /^\/etc\/(ssl|pki\/tls)\/private\//.test(path) ||
    /(^|\/)(id_(rsa|dsa|ecdsa|ed25519)[^/]*|[^/]*\.(key|p12|pfx|jks|keystore|kdbx|gpg|asc)|[^/]*(key|private)[^/]*\.pem|\.(netrc|pgpass|htpasswd|git-credentials))$/.test(
      path,
    )
  );
}

/** Lists of everything there is, and documents: paths in them are no wish of anybody. */
export function isListing(path: string): boolean {
  return (
    /^\/etc\/(ld\.so\.cache|passwd-?|group-?|shells|mtab|magic|apache2\/magic|httpd\/conf\/magic|subuid|subgid|services|mime\.types|mailcap)$/.test(
      path,
    ) ||
    /^\/(var\/lib\/(dpkg|rpm|apt|dnf|ucf)|lib\/apk|usr\/lib\/(locale|sysimage)|usr\/share\/(mime|doc|info))\//.test(
      path,
    ) ||
    /(^|\/)(RECORD|SOURCES\.txt|installed-files\.txt|package-lock\.json|npm-shrinkwrap\.json|[^/]*[.-]lock(\.json|\.yaml)?|go\.sum|checksums?(\.txt)?|MANIFEST(\.in)?|CHANGELOG[^/]*|CHANGES[^/]*|LICEN[CS]E[^/]*|README[^/]*|NOTICE[^/]*)$/i.test(
      path,
    ) ||
    /\.(md|rst|adoc|map|svg|css|csv|tsv|po|pot|log|d\.ts|lock)$/i.test(path)
  );
}

/** What serves those who build or test an application and not those who run it: it is kept, but its wishes do not count. */
export function isForDevelopers(path: string): boolean {
  return (
    /\/(tests?|__tests__|specs?|examples?|docs?|benchmarks?|\.github|\.circleci|\.husky|\.devcontainer|ci|packaging)\//i.test(
      path,
    ) ||
    /\/(Dockerfile[^/]*|Containerfile[^/]*|[^/]*\.dockerfile|\.dockerignore|(docker-)?compose[^/]*\.ya?ml|Makefile[^/]*|GNUmakefile|CMakeLists\.txt|configure|Jenkinsfile|Vagrantfile|Rakefile|Gruntfile\.\w+|gulpfile\.\w+|\.gitlab-ci\.yml|\.travis\.yml|tox\.ini|setup\.(py|cfg)|conftest\.py|(webpack|rollup|jest|vitest|karma|babel|eslint|prettier)[\w.]*\.(js|cjs|mjs|ts))$/i.test(
      path,
    ) ||
    /\/((docker-)?(build|deploy|release|lint|format|publish|bootstrap-dev|test)([-_][\w-]*)?)\.(sh|bash|py|rb|pl)$/i.test(
      path,
    )
  );
}

/** Programs that run other people's code: where they lie says nothing about the application. */
export function isRuntime(program: string): boolean {
  return /^(node|nodejs|bun|deno|npm|npx|yarn|yarnpkg|pnpm|corepack|python[\d.]*|pypy[\d.]*|pip[\d.]*|ruby[\d.]*|bundle|bundler|rake|gem|java|javac|jshell|php[\d.]*|php-fpm[\d.]*|php-cgi[\d.]*|composer|perl[\d.]*|lua[\d.]*|luajit|erl|erlexec|beam\.smp|elixir|iex|escript|epmd|dotnet|mono|Rscript|R|julia|tclsh[\d.]*|wish|guile|go|cargo|swift|ghc|ocaml|bash|sh|dash|ash|zsh|ksh|busybox|env|tini|tini-static|dumb-init|gosu|su-exec|setpriv|catatonit|docker-init|s6-.*|sudo|su|runuser|supervisord|conda|mamba|poetry|pipenv|uv)$/.test(
    posix.basename(program),
  );
}

/** Programs that build, install or inspect. A script that names one does so for developers, or has done it when the image was made. */
export function isBuildTool(program: string): boolean {
  return /^(apt|apt-get|apt-cache|apt-key|aptitude|dpkg.*|yum|dnf|microdnf|apk|rpm|zypper|pacman|pip[\d.]*|pipx|gem|cargo|rustc|gcc.*|g\+\+.*|cc|c\+\+|clang.*|ld|make|gmake|cmake|ninja|meson|autoconf|automake|docker|docker-compose|podman|kubectl|helm|vim|vi|nano|emacs|less|more|man|gdb|strace|ltrace|valgrind|javac|mvn|gradle|apache2-dev|debconf.*|update-rc\.d|lintian)$/.test(
    posix.basename(program),
  );
}

/** Files whose content is no text that anybody wrote. */
export function isBinaryName(path: string): boolean {
  return /\.(png|jpe?g|gif|ico|webp|avif|bmp|tiff?|woff2?|ttf|otf|eot|pdf|mp[34]|webm|ogg|wav|mov|zip|gz|xz|bz2|zst|tar|tgz|jar|war|ear|whl|so(\.[\d.]+)?|a|o|node|dll|exe|wasm|class|py[co]|beam|mo|dat|db|sqlite3?|bin|onnx|pt|parquet|pack|idx)$/i.test(
    path,
  );
}
