module.exports = {
  uiPort: process.env.PORT || 1880,
  credentialSecret: "granary",
  adminAuth: {
    type: "credentials",
    // ada: straw
    users: [
      { username: "ada", password: "$2b$08$8ntZtBr3Q8wZWaXbzRMYxOPlgv9XHW.0SZgmKK6pBKQInSdS8uOK.", permissions: "*" },
    ],
    default: { permissions: "" },
  },
  httpNodeRoot: "/api",
  diagnostics: { enabled: true, ui: true },
  functionExternalModules: true,
  functionGlobalContext: { os: require("node:os") },
  contextStorage: { default: { module: "localfilesystem", config: { flushInterval: 1 } } },
  editorTheme: { page: { title: "Granary" }, projects: { enabled: false } },
};
