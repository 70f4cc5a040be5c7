console.log(process.argv[2].split("").reverse().join(""));
