// Entry of the console.
document.title = 'Orrery';
